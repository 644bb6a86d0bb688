from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auditing", "0008_add_attempts_constraint"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["delivered_at"], name="auditing_delivery_delivered"),
        ),
    ]

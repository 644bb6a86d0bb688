from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auditing", "0002_widen_object_id"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditentry",
            name="changes",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

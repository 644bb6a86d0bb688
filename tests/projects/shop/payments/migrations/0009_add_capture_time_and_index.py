from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0009_add_order_extra"),
        ("payments", "0008_add_method_countries"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="captured_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["reference"], name="payments_reference"),
        ),
    ]

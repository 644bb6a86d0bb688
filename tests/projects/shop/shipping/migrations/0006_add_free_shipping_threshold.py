from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shipping", "0005_rename_tracking_number"),
    ]

    operations = [
        migrations.AddField(
            model_name="shippingmethod",
            name="free_from",
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True),
        ),
    ]

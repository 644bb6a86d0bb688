from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_add_order_indexes"),
        ("shipping", "0006_add_free_shipping_threshold"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="shipment",
            index=models.Index(fields=["tracking_number"], name="shipping_tracking_number"),
        ),
    ]

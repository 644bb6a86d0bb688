from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("shipping", "0004_add_weight_costs"),
    ]

    operations = [
        migrations.RenameField("shipment", "tracking", "tracking_number"),
    ]

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0010_add_product_barcode"),
        ("catalog", "0010_add_product_weight"),
    ]

    operations = []

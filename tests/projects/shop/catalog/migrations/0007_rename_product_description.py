from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_add_product_indexes"),
    ]

    operations = [
        migrations.RenameField("product", "text", "description"),
    ]

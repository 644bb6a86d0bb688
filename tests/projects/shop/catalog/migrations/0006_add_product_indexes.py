import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_add_product_tax_class"),
        ("pricing", "0006_add_price_constraints"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="product",
            index=models.Index(
                django.db.models.functions.text.Lower("name"), name="catalog_product_name_lower"
            ),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(
                condition=models.Q(("status", "published")),
                fields=["created_at"],
                name="catalog_product_published",
            ),
        ),
    ]

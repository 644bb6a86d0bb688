from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_rename_product_description"),
        ("pricing", "0008_add_currency_decimals"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="product",
            constraint=check_constraint(
                condition=models.Q(("base_price__gte", 0)), name="catalog_product_price_gte_0"
            ),
        ),
        migrations.AddConstraint(
            model_name="productvariant",
            constraint=check_constraint(
                condition=models.Q(("price__isnull", True), ("price__gte", 0), _connector="OR"),
                name="catalog_variant_price_gte_0",
            ),
        ),
    ]

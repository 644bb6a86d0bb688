from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_add_product_tax_class"),
        ("pricing", "0005_add_price_lists"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="price",
            constraint=check_constraint(
                condition=models.Q(("amount__gte", 0)), name="pricing_price_amount_gte_0"
            ),
        ),
        migrations.AddConstraint(
            model_name="taxrate",
            constraint=check_constraint(
                condition=models.Q(("percent__gte", 0), ("percent__lte", 100)),
                name="pricing_taxrate_percent_range",
            ),
        ),
    ]

from django.conf import settings
from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_seed_auth_groups"),
        ("cart", "0006_add_wishlists"),
        ("catalog", "0006_add_product_indexes"),
        ("orders", "0005_rename_order_placed_at"),
        ("pricing", "0006_add_price_constraints"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="order",
            constraint=check_constraint(
                condition=models.Q(("discount__gte", 0)), name="orders_discount_gte_0"
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=check_constraint(
                condition=models.Q(("quantity__gte", 1)), name="orders_line_quantity_gte_1"
            ),
        ),
    ]

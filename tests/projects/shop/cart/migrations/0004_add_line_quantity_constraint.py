from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0003_rename_line_quantity"),
        ("catalog", "0004_add_tags"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="cartline",
            constraint=check_constraint(
                condition=models.Q(("quantity__gte", 1)), name="cart_line_quantity_gte_1"
            ),
        ),
    ]

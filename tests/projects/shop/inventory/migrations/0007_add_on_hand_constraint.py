from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_rename_product_description"),
        ("inventory", "0006_rename_stock_on_hand"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="stockrecord",
            constraint=check_constraint(
                condition=models.Q(("on_hand__gte", 0)), name="inventory_on_hand_gte_0"
            ),
        ),
    ]

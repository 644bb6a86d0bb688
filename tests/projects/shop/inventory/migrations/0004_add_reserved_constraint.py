from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_add_tags"),
        ("inventory", "0003_add_warehouse_country"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="stockrecord",
            constraint=check_constraint(
                condition=models.Q(("reserved__gte", 0)), name="inventory_reserved_gte_0"
            ),
        ),
    ]

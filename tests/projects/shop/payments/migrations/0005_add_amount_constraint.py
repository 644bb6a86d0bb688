from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0005_rename_order_placed_at"),
        ("payments", "0004_add_method_fee"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="payment",
            constraint=check_constraint(
                condition=models.Q(("amount__gt", 0)), name="payments_amount_gt_0"
            ),
        ),
    ]

from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("shipping", "0007_add_tracking_index"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="shippingmethod",
            constraint=check_constraint(
                condition=models.Q(("base_cost__gte", 0)), name="shipping_base_cost_gte_0"
            ),
        ),
    ]

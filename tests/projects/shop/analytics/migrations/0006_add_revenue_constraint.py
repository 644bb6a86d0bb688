from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0005_add_daily_sales_currency"),
        ("pricing", "0006_add_price_constraints"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="dailysales",
            constraint=check_constraint(
                condition=models.Q(("revenue__gte", 0)), name="analytics_revenue_gte_0"
            ),
        ),
    ]

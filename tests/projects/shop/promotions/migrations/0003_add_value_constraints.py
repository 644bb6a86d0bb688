from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_add_category_position"),
        ("promotions", "0002_add_promotion_products"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="promotion",
            constraint=check_constraint(
                condition=models.Q(("value__gte", 0)), name="promotions_value_gte_0"
            ),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=check_constraint(
                condition=models.Q(
                    ("ends_at__isnull", True),
                    ("ends_at__gt", models.F("starts_at")),
                    _connector="OR",
                ),
                name="promotions_ends_after_start",
            ),
        ),
    ]

from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_add_user_email_index"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="customerprofile",
            constraint=check_constraint(
                condition=models.Q(("loyalty_points__gte", 0)), name="accounts_profile_points_gte_0"
            ),
        ),
    ]

from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("auditing", "0007_add_webhooks"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=check_constraint(
                condition=models.Q(("attempts__lte", 10)), name="auditing_attempts_lte_10"
            ),
        ),
    ]

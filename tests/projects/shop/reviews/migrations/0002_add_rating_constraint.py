from django.conf import settings
from django.db import migrations, models

from shop.constraints import check_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_add_product_status"),
        ("reviews", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="review",
            constraint=check_constraint(
                condition=models.Q(("rating__gte", 1), ("rating__lte", 5)),
                name="reviews_rating_1_to_5",
            ),
        ),
    ]

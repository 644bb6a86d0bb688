from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0004_add_line_quantity_constraint"),
        ("pricing", "0005_add_price_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="cart",
            index=models.Index(
                condition=models.Q(("is_open", True)), fields=["user"], name="cart_open_by_user"
            ),
        ),
    ]

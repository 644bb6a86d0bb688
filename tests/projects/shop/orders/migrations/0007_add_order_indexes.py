from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_rename_profile_birth_date"),
        ("cart", "0007_add_wishlist_share_token"),
        ("orders", "0006_add_amount_constraints"),
        ("pricing", "0007_add_exchange_rates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["status", "placed_at"], name="orders_status_placed"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("status", "new")),
                fields=["placed_at"],
                name="orders_unpaid_placed",
            ),
        ),
    ]

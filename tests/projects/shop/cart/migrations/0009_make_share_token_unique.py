from django.db import migrations, models

import cart.models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0008_fill_wishlist_share_tokens"),
    ]

    operations = [
        migrations.AlterField(
            model_name="wishlist",
            name="share_token",
            field=models.CharField(default=cart.models.new_share_token, max_length=40, unique=True),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0006_add_wishlists"),
    ]

    operations = [
        migrations.AddField(
            model_name="wishlist",
            name="share_token",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
    ]

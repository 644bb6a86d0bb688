from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0010_add_cart_metadata"),
    ]

    operations = [
        migrations.AddField(
            model_name="cart",
            name="coupon_code",
            field=models.CharField(blank=True, max_length=30),
        ),
    ]

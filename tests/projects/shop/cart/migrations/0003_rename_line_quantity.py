from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0002_add_cart_currency"),
    ]

    operations = [
        migrations.RenameField("cartline", "qty", "quantity"),
    ]

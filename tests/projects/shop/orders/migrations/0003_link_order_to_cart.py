import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0003_rename_line_quantity"),
        ("orders", "0002_add_status_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="cart",
            field=models.OneToOneField(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to="cart.cart"
            ),
        ),
    ]

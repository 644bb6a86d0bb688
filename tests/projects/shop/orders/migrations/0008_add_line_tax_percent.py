from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_add_order_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="orderline",
            name="tax_percent",
            field=models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=5),
        ),
    ]

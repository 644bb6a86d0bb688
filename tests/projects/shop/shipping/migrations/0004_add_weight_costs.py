from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shipping", "0003_add_tracking"),
    ]

    operations = [
        migrations.AddField(
            model_name="shippingmethod",
            name="cost_per_kg",
            field=models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=12),
        ),
        migrations.AddField(
            model_name="shippingmethod",
            name="max_weight_grams",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]

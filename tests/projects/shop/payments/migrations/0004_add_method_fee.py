from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_add_refunds"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentmethod",
            name="fee_percent",
            field=models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=5),
        ),
    ]

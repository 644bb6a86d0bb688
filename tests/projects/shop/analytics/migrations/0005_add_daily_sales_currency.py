import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0004_add_daily_sales"),
        ("pricing", "0005_add_price_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="dailysales",
            name="currency",
            field=models.ForeignKey(
                default="EUR", on_delete=django.db.models.deletion.PROTECT, to="pricing.currency"
            ),
        ),
    ]

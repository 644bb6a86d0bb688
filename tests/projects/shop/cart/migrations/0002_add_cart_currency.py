import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0001_initial"),
        ("pricing", "0002_seed_currencies"),
    ]

    operations = [
        migrations.AddField(
            model_name="cart",
            name="currency",
            field=models.ForeignKey(
                default="EUR", on_delete=django.db.models.deletion.PROTECT, to="pricing.currency"
            ),
        ),
    ]

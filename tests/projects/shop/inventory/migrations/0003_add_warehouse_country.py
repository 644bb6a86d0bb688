import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0002_add_movement_reason"),
        ("pricing", "0003_seed_countries_and_tax_classes"),
    ]

    operations = [
        migrations.AddField(
            model_name="warehouse",
            name="country",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="pricing.country",
            ),
        ),
        migrations.AddField(
            model_name="warehouse",
            name="is_active",
            field=models.BooleanField(default=True),
        ),
    ]

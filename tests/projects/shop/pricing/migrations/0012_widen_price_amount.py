from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0011_add_price_list_priority"),
    ]

    operations = [
        migrations.AlterField(
            model_name="price",
            name="amount",
            field=models.DecimalField(decimal_places=2, max_digits=12),
        ),
    ]

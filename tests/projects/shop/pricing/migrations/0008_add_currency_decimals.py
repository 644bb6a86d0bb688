from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0007_add_exchange_rates"),
    ]

    operations = [
        migrations.AddField(
            model_name="currency",
            name="decimals",
            field=models.PositiveSmallIntegerField(default=2),
        ),
    ]

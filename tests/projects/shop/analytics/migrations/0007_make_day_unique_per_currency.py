from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0006_add_revenue_constraint"),
        ("pricing", "0007_add_exchange_rates"),
    ]

    operations = [
        migrations.AlterField(
            model_name="dailysales",
            name="day",
            field=models.DateField(),
        ),
        migrations.AddConstraint(
            model_name="dailysales",
            constraint=models.UniqueConstraint(
                fields=("day", "currency"), name="analytics_day_currency"
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0008_add_currency_decimals"),
    ]

    operations = [
        migrations.AddField(
            model_name="taxrate",
            name="valid_from",
            field=models.DateField(blank=True, null=True),
        ),
    ]

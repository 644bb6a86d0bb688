from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0009_add_tax_rate_valid_from"),
    ]

    operations = [
        migrations.AddField(
            model_name="taxclass",
            name="is_default",
            field=models.BooleanField(default=False),
        ),
    ]

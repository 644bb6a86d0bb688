from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0004_rename_promotion_enabled"),
    ]

    operations = [
        migrations.AlterField(
            model_name="promotion",
            name="kind",
            field=models.CharField(
                choices=[
                    ("percent", "Percentage"),
                    ("fixed", "Fixed amount"),
                    ("shipping", "Free shipping"),
                ],
                default="percent",
                max_length=10,
            ),
        ),
    ]

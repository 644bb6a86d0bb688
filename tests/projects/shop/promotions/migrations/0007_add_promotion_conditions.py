from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0006_add_promotion_rules"),
    ]

    operations = [
        migrations.AddField(
            model_name="promotion",
            name="conditions",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

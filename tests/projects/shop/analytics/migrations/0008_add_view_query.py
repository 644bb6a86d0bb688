from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0007_make_day_unique_per_currency"),
    ]

    operations = [
        migrations.AddField(
            model_name="pageview",
            name="query",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

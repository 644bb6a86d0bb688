from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0002_seed_departments"),
    ]

    operations = [
        migrations.AddField(
            model_name="department",
            name="email",
            field=models.EmailField(blank=True, max_length=254),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_rename_profile_birth_date"),
    ]

    operations = [
        migrations.AddField(
            model_name="customerprofile",
            name="preferences",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

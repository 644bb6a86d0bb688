from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_add_single_default_address"),
        ("analytics", "0009_seed_reports"),
    ]

    operations = [
        migrations.AddField(
            model_name="reportdefinition",
            name="readers",
            field=models.ManyToManyField(
                blank=True, related_name="reports", to="accounts.staffrole"
            ),
        ),
    ]

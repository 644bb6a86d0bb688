from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0003_add_value_constraints"),
    ]

    operations = [
        migrations.RenameField("promotion", "active", "is_enabled"),
    ]

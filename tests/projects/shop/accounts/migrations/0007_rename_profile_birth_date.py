from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_seed_auth_groups"),
    ]

    operations = [
        migrations.RenameField("customerprofile", "dob", "birth_date"),
    ]

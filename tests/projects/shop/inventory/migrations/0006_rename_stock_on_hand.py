from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0005_add_reorder_level"),
    ]

    operations = [
        migrations.RenameField("stockrecord", "quantity", "on_hand"),
    ]

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_add_costs_and_address"),
    ]

    operations = [
        migrations.RenameField("order", "placed", "placed_at"),
        migrations.AlterModelOptions("order", {"ordering": ["-placed_at", "-id"]}),
    ]

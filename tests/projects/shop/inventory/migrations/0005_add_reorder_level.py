from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0004_add_reserved_constraint"),
    ]

    operations = [
        migrations.AddField(
            model_name="stockrecord",
            name="reorder_level",
            field=models.PositiveIntegerField(default=0),
        ),
    ]

from django.db import migrations, models

from parts.palette import first_colours


def add_colours(apps, editor):
    Colour = apps.get_model("parts", "Colour")
    for rank, name in enumerate(first_colours()):
        Colour.objects.create(name=name, rank=rank)


class Migration(migrations.Migration):
    dependencies = [("parts", "0001_initial")]
    operations = [
        migrations.AddField("colour", "rank", models.IntegerField(default=0)),
        migrations.RunPython(add_colours, migrations.RunPython.noop),
        migrations.RunSQL(
            "CREATE VIEW parts_dear AS SELECT * FROM parts_part WHERE price > 100",
            "DROP VIEW parts_dear",
        ),
    ]

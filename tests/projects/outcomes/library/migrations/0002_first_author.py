from django.db import migrations


def add_author(apps, schema_editor):
    apps.get_model("library", "Author").objects.create(name="Ursula K. Le Guin")


class Migration(migrations.Migration):
    dependencies = [("library", "0001_author")]

    operations = [migrations.RunPython(add_author, migrations.RunPython.noop)]

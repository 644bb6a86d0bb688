from django.db import migrations


def forwards(apps, schema_editor):
    """Create the first years, in the database that is migrated."""
    years = apps.get_model("archive", "Year").objects.using(schema_editor.connection.alias)
    for number in (2021, 2022, 2023):
        years.create(number=number)


class Migration(migrations.Migration):
    dependencies = [("archive", "0001_initial")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]

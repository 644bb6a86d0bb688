import os
from pathlib import Path

from django.db import migrations


def add_author(apps, schema_editor):
    authors = apps.get_model("library", "Author").objects.using(schema_editor.connection.alias)
    authors.create(name="Ursula K. Le Guin")
    # Lets a test of the toolkit count how often migrations are executed.
    if witness := os.environ.get("OUTCOMES_MIGRATION_WITNESS"):
        with Path(witness).open("a") as file:
            file.write("migrated\n")


class Migration(migrations.Migration):
    dependencies = [("library", "0001_author")]

    operations = [migrations.RunPython(add_author, migrations.RunPython.noop)]

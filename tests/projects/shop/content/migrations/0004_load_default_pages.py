from django.core.management import call_command
from django.db import migrations

PAGES = ["imprint", "terms", "privacy", "delivery"]


def forwards(apps, schema_editor):
    """Load the pages every shop needs from the fixture."""
    call_command("loaddata", "default_pages", database=schema_editor.connection.alias, verbosity=0)


def backwards(apps, schema_editor):
    Page = apps.get_model("content", "Page")
    Page.objects.using(schema_editor.connection.alias).filter(slug__in=PAGES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0003_add_page_visibility"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

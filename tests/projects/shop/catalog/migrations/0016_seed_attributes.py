from django.db import migrations

ATTRIBUTES = [("colour", "Colour"), ("size", "Size"), ("material", "Material")]


def forwards(apps, schema_editor):
    """Create the attributes that most products have."""
    Attribute = apps.get_model("catalog", "Attribute")
    rows = Attribute.objects.using(schema_editor.connection.alias)
    for code, name in ATTRIBUTES:
        rows.update_or_create(code=code, defaults={"name": name})


def backwards(apps, schema_editor):
    Attribute = apps.get_model("catalog", "Attribute")
    codes = [row[0] for row in ATTRIBUTES]
    Attribute.objects.using(schema_editor.connection.alias).filter(code__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0015_add_collections"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

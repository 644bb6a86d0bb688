from django.db import migrations

CARRIERS = [
    ("post", "National Post"),
    ("express", "Express Parcel"),
    ("pickup", "Pick-up in store"),
]


def forwards(apps, schema_editor):
    """Create the carriers that collect parcels from the shop."""
    Carrier = apps.get_model("shipping", "Carrier")
    rows = Carrier.objects.using(schema_editor.connection.alias)
    for code, name in CARRIERS:
        rows.update_or_create(code=code, defaults={"name": name})


def backwards(apps, schema_editor):
    Carrier = apps.get_model("shipping", "Carrier")
    codes = [row[0] for row in CARRIERS]
    Carrier.objects.using(schema_editor.connection.alias).filter(code__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("shipping", "0001_initial"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

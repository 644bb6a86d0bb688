from django.db import migrations

WAREHOUSES = [("MAIN", "Main warehouse", "DE"), ("RETURNS", "Returns desk", "DE")]


def forwards(apps, schema_editor):
    """Create the main warehouse and the returns desk."""
    Warehouse = apps.get_model("inventory", "Warehouse")
    rows = Warehouse.objects.using(schema_editor.connection.alias)
    for code, name, country_id in WAREHOUSES:
        rows.update_or_create(code=code, defaults={"name": name, "country_id": country_id})


def backwards(apps, schema_editor):
    """Keep the warehouses: they may hold stock by now."""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0010_add_movement_index"),
        ("pricing", "0011_add_price_list_priority"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

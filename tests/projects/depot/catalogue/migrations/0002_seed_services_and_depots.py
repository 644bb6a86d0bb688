from django.db import migrations

SERVICES = {"express": "Express", "cold": "Cold chain", "storage": "Storage"}
DEPOTS = {"HAM": ("Hamburg", ["cold", "express"]), "MUC": ("Munich", ["express", "storage"])}


def forwards(apps, schema_editor):
    """Create the services and the first depots, in the database that is migrated."""
    alias = schema_editor.connection.alias
    Service = apps.get_model("catalogue", "Service")
    Depot = apps.get_model("catalogue", "Depot")
    for code, name in SERVICES.items():
        Service.objects.using(alias).create(code=code, name=name)
    for code, (city, services) in DEPOTS.items():
        depot = Depot.objects.using(alias).create(code=code, city=city)
        depot.services.set(Service.objects.using(alias).filter(code__in=services))


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]

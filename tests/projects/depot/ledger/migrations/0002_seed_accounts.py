from django.db import migrations


def forwards(apps, schema_editor):
    """Open an account for the company, and one for each depot of the default database."""
    accounts = apps.get_model("ledger", "Account").objects.using(schema_editor.connection.alias)
    accounts.create(code="company", name="The company")
    depots = apps.get_model("catalogue", "Depot").objects.using("default")
    for depot in depots.order_by("code"):
        accounts.create(code=depot.code, name=f"Depot {depot.city}")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("catalogue", "0002_seed_services_and_depots")]

    operations = [
        migrations.RunPython(forwards, migrations.RunPython.noop, hints={"target": "ledger"})
    ]

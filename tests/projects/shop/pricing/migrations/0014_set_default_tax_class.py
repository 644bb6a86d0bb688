from django.db import migrations


def forwards(apps, schema_editor):
    """Make the standard rate the default and drop the decimals of the yen."""
    alias = schema_editor.connection.alias
    tax_classes = apps.get_model("pricing", "TaxClass").objects.using(alias)
    tax_classes.filter(code="standard").update(is_default=True)
    apps.get_model("pricing", "Currency").objects.using(alias).filter(code="JPY").update(decimals=0)


def backwards(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps.get_model("pricing", "TaxClass").objects.using(alias).update(is_default=False)
    apps.get_model("pricing", "Currency").objects.using(alias).update(decimals=2)


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0013_seed_standard_tax_rates"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

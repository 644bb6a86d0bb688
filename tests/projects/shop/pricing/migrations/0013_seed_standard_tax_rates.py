from decimal import Decimal

from django.db import migrations

RATES = [
    ("DE", "19.00", "7.00"),
    ("AT", "20.00", "10.00"),
    ("FR", "20.00", "5.50"),
    ("IT", "22.00", "10.00"),
    ("NL", "21.00", "9.00"),
    ("SE", "25.00", "12.00"),
]


def forwards(apps, schema_editor):
    """Create the tax rates of the countries in the European Union."""
    TaxClass = apps.get_model("pricing", "TaxClass")
    TaxRate = apps.get_model("pricing", "TaxRate")
    alias = schema_editor.connection.alias
    classes = {row.code: row for row in TaxClass.objects.using(alias).all()}
    for country, standard, reduced in RATES:
        for code, percent in (("standard", standard), ("reduced", reduced)):
            TaxRate.objects.using(alias).update_or_create(
                tax_class=classes[code], country_id=country, defaults={"percent": Decimal(percent)}
            )


def backwards(apps, schema_editor):
    TaxRate = apps.get_model("pricing", "TaxRate")
    codes = [row[0] for row in RATES]
    TaxRate.objects.using(schema_editor.connection.alias).filter(country_id__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0012_widen_price_amount"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

from django.db import migrations

COUNTRIES = [
    ("DE", "Germany", True, "EUR"),
    ("AT", "Austria", True, "EUR"),
    ("FR", "France", True, "EUR"),
    ("IT", "Italy", True, "EUR"),
    ("NL", "Netherlands", True, "EUR"),
    ("SE", "Sweden", True, "SEK"),
    ("CH", "Switzerland", False, "CHF"),
    ("GB", "United Kingdom", False, "GBP"),
    ("US", "United States", False, "USD"),
    ("JP", "Japan", False, "JPY"),
]
TAX_CLASSES = [("standard", "Standard rate"), ("reduced", "Reduced rate"), ("exempt", "Exempt")]


def forwards(apps, schema_editor):
    """Create the countries the shop delivers to and the tax classes."""
    Country = apps.get_model("pricing", "Country")
    TaxClass = apps.get_model("pricing", "TaxClass")
    alias = schema_editor.connection.alias
    for code, name, in_eu, currency in COUNTRIES:
        Country.objects.using(alias).update_or_create(
            code=code, defaults={"name": name, "in_eu": in_eu, "currency_id": currency}
        )
    for code, name in TAX_CLASSES:
        TaxClass.objects.using(alias).update_or_create(code=code, defaults={"name": name})


def backwards(apps, schema_editor):
    Country = apps.get_model("pricing", "Country")
    TaxClass = apps.get_model("pricing", "TaxClass")
    alias = schema_editor.connection.alias
    Country.objects.using(alias).filter(code__in=[row[0] for row in COUNTRIES]).delete()
    TaxClass.objects.using(alias).filter(code__in=[row[0] for row in TAX_CLASSES]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0002_seed_currencies"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

from django.db import migrations

CURRENCIES = [
    ("EUR", "Euro", "€"),
    ("USD", "US dollar", "$"),
    ("GBP", "Pound sterling", "£"),
    ("CHF", "Swiss franc", "Fr"),
    ("JPY", "Japanese yen", "¥"),
    ("SEK", "Swedish krona", "kr"),
]


def forwards(apps, schema_editor):
    """Create the currencies the shop trades in."""
    Currency = apps.get_model("pricing", "Currency")
    rows = Currency.objects.using(schema_editor.connection.alias)
    for code, name, symbol in CURRENCIES:
        rows.update_or_create(code=code, defaults={"name": name, "symbol": symbol})


def backwards(apps, schema_editor):
    Currency = apps.get_model("pricing", "Currency")
    codes = [row[0] for row in CURRENCIES]
    Currency.objects.using(schema_editor.connection.alias).filter(code__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0001_initial"),
    ]
    # Orders refer to a currency from their first day.
    run_before = [("orders", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]

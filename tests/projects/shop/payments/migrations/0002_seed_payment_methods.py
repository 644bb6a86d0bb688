from django.db import migrations

METHODS = [
    ("card", "Credit card", True),
    ("transfer", "Bank transfer", True),
    ("invoice", "Invoice", True),
    ("gift-card", "Gift card", True),
    ("cheque", "Cheque", False),
]


def forwards(apps, schema_editor):
    """Create the payment methods offered at the checkout."""
    PaymentMethod = apps.get_model("payments", "PaymentMethod")
    rows = PaymentMethod.objects.using(schema_editor.connection.alias)
    for code, name, is_active in METHODS:
        rows.update_or_create(code=code, defaults={"name": name, "is_active": is_active})


def backwards(apps, schema_editor):
    PaymentMethod = apps.get_model("payments", "PaymentMethod")
    codes = [row[0] for row in METHODS]
    PaymentMethod.objects.using(schema_editor.connection.alias).filter(code__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0001_initial"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

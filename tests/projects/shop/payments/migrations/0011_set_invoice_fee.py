from decimal import Decimal

from django.db import migrations


def forwards(apps, schema_editor):
    """Charge a fee for payment by invoice."""
    methods = apps.get_model("payments", "PaymentMethod").objects.using(
        schema_editor.connection.alias
    )
    methods.filter(code="invoice").update(fee_percent=Decimal("1.50"))


def backwards(apps, schema_editor):
    methods = apps.get_model("payments", "PaymentMethod").objects.using(
        schema_editor.connection.alias
    )
    methods.filter(code="invoice").update(fee_percent=Decimal("0.00"))


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0010_add_gift_card_expiry"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

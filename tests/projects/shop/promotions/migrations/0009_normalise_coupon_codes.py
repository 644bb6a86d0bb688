from django.db import migrations
from django.db.models.functions import Upper


def forwards(apps, schema_editor):
    """Write all coupon codes in capitals."""
    Coupon = apps.get_model("promotions", "Coupon")
    coupons = Coupon.objects.using(schema_editor.connection.alias)
    coupons.update(code=Upper("code"))


def backwards(apps, schema_editor):
    """The former spelling of the codes is not known any more."""


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0008_limit_coupon_redemptions"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

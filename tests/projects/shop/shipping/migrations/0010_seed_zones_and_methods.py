from decimal import Decimal

from django.db import migrations

ZONES = [
    ("Domestic", ["DE"], "4.90", "0.50"),
    ("European Union", ["AT", "FR", "IT", "NL", "SE"], "9.90", "1.00"),
    ("World", ["CH", "GB", "US", "JP"], "19.90", "4.00"),
]


def forwards(apps, schema_editor):
    """Create the delivery zones with one postal method each."""
    alias = schema_editor.connection.alias
    Country = apps.get_model("pricing", "Country")
    ShippingZone = apps.get_model("shipping", "ShippingZone")
    ShippingMethod = apps.get_model("shipping", "ShippingMethod")
    post = apps.get_model("shipping", "Carrier").objects.using(alias).get(code="post")
    for name, codes, base_cost, per_kg in ZONES:
        zone, _ = ShippingZone.objects.using(alias).get_or_create(name=name)
        zone.countries.set(Country.objects.using(alias).filter(code__in=codes))
        ShippingMethod.objects.using(alias).get_or_create(
            carrier=post,
            zone=zone,
            name=f"Parcel {name}",
            defaults={"base_cost": Decimal(base_cost), "cost_per_kg": Decimal(per_kg)},
        )


def backwards(apps, schema_editor):
    ShippingZone = apps.get_model("shipping", "ShippingZone")
    names = [row[0] for row in ZONES]
    ShippingZone.objects.using(schema_editor.connection.alias).filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("shipping", "0009_add_shipment_warehouse"),
        ("pricing", "0010_add_default_tax_class"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

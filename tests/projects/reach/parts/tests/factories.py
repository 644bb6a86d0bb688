from parts.models import Maker, Part

PRICE = 7


def part(**fields):
    return Part.objects.create(**{"name": "bolt", "price": PRICE, **fields})


def maker():
    return Maker.objects.create(name="acme")

from django.conf import settings

NAME_AT_IMPORT = settings.SHOP_NAME.upper()


def discounted(price):
    return price * (100 - settings.DISCOUNT) // 100


def limit(name):
    return settings.LIMITS[name]


def greeting():
    return f"{settings.GREETING}, {NAME_AT_IMPORT}"


def flag():
    return getattr(settings, "PARTS_FLAG", False)

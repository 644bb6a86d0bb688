BASE = 5


def discount(percent):
    return percent + BASE


def languages():
    return ["en", "de"]


def unused():
    return 1

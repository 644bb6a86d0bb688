import importlib

from django.conf import settings
from django.utils.module_loading import import_string

try:
    from parts import optional
except ImportError:
    optional = None


class Doubling:
    factor = 2

    def apply(self, value):
        return value * self.factor


class Tripling(Doubling):
    factor = 3


def strategy():
    return import_string(settings.STRATEGY)()


def late(value):
    from parts import late_module

    return late_module.answer(value)


def plugin(name):
    return importlib.import_module(f"parts.plugins.{name}").run()


def by_name(name):
    return globals()[f"do_{name}"]()


def do_sing():
    return "la"


def do_dance():
    return "hop"


def has_optional():
    return optional is not None


def method_of(thing, name):
    return getattr(thing, name)()

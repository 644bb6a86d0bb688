from django.apps import apps
from django.test import SimpleTestCase, override_settings

from parts import files, lazy, options, shapes


class LazyTests(SimpleTestCase):
    def test_strategy(self):
        self.assertEqual(lazy.strategy().apply(2), 4)

    @override_settings(STRATEGY="parts.lazy.Tripling")
    def test_other_strategy(self):
        self.assertEqual(lazy.strategy().apply(2), 6)

    def test_late(self):
        self.assertEqual(lazy.late(1), 42)

    def test_late_again(self):
        self.assertEqual(lazy.late(2), 43)

    def test_alpha(self):
        self.assertEqual(lazy.plugin("alpha"), "alpha ran")

    def test_beta(self):
        self.assertEqual(lazy.plugin("beta"), "beta after alpha ran")

    def test_by_name(self):
        self.assertEqual(lazy.by_name("sing"), "la")

    def test_method(self):
        self.assertEqual(lazy.method_of(shapes.Square(), "name"), "square")

    def test_optional(self):
        self.assertFalse(lazy.has_optional())

    def test_started(self):
        self.assertEqual(apps.get_app_config("parts").started, ["ready"])


class FileTests(SimpleTestCase):
    def test_prices(self):
        self.assertEqual(files.prices(), {"bolt": 3, "nut": 4})

    def test_configuration(self):
        self.assertEqual(files.configuration()["depth"], 3)

    def test_plugins(self):
        self.assertEqual(files.plugin_files(), ["a.txt"])

    def test_override(self):
        self.assertFalse(files.has_override())

    def test_notes(self):
        self.assertEqual(files.notes(), ["first", "second"])


class OptionTests(SimpleTestCase):
    def test_discount(self):
        self.assertEqual(options.discounted(100), 75)

    def test_limit(self):
        self.assertEqual(options.limit("large"), 100)

    def test_greeting(self):
        self.assertEqual(options.greeting(), "hello, REACH")

    def test_flag(self):
        self.assertFalse(options.flag())

    @override_settings(DISCOUNT=50)
    def test_overridden(self):
        self.assertEqual(options.discounted(100), 50)

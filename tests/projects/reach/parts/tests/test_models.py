from io import StringIO

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import TestCase

from parts.models import CheapPart, Colour, Log, Maker, Part
from parts.tests import factories
from parts.tests.base import PartCase


class LabelTests(PartCase):
    def test_label(self):
        self.assertLabel(self.part)

    def test_total(self):
        self.assertEqual(self.part.total, 14)

    def test_maker(self):
        self.assertEqual(self.part.maker.country, "de")

    def test_code(self):
        self.assertEqual(self.part.code, "P-001")

    def test_log(self):
        self.assertEqual(Log.objects.get().text, "new bolt")

    def test_kind(self):
        self.assertEqual(self.part.get_kind_display(), "Bolt")


class QueryTests(TestCase):
    def test_cheap(self):
        factories.part(price=10)
        self.assertFalse(Part.objects.cheap())

    def test_order(self):
        factories.part(name="b", price=1)
        factories.part(name="a", price=2)
        self.assertEqual([part.price for part in CheapPart.objects.all()], [1, 2])

    def test_strip(self):
        self.assertEqual(factories.part(name=" x ").name, "x")

    def test_validation(self):
        with self.assertRaises(ValidationError):
            Part(name="x", price=0).full_clean()

    def test_view(self):
        factories.part(price=101)
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM parts_dear")
            self.assertEqual(cursor.fetchone(), (1,))

    def test_raw(self):
        factories.maker()
        self.assertEqual(Maker.objects.raw("SELECT * FROM parts_maker")[0].name, "acme")

    def test_makers(self):
        Maker.objects.bulk_create([Maker(name="b"), Maker(name="a")])
        self.assertEqual([maker.name for maker in Maker.objects.all()], ["a", "b"])

    def test_command(self):
        factories.part()
        out = StringIO()
        call_command("count_parts", stdout=out)
        self.assertEqual(out.getvalue(), "1 of bolt\n")


class ColourTests(TestCase):
    def test_names(self):
        self.assertEqual(
            list(Colour.objects.order_by("rank").values_list("name", flat=True)), ["red", "green"]
        )

    def test_create(self):
        Colour.objects.create(name="blue")
        self.assertEqual(Colour.objects.count(), 3)

    def test_plural(self):
        self.assertEqual(Colour._meta.verbose_name_plural, "colours")


class FixtureTests(TestCase):
    fixtures = ["parts"]

    def test_part(self):
        self.assertEqual(Part.objects.get().price, 12)

    def test_maker(self):
        self.assertEqual(str(Part.objects.get().maker), "Acme")

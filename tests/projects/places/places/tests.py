"""What only works where the spatial functions and their reference systems are."""

from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point, Polygon
from django.db import connection
from django.test import TestCase, TransactionTestCase

from .models import Place


class NearTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        Place.objects.create(name="Berlin", at=Point(13.4, 52.5, srid=4326))
        Place.objects.create(name="Rome", at=Point(12.5, 41.9, srid=4326))

    def test_distance(self):
        here = Point(13.3, 52.4, srid=4326)
        found = Place.objects.annotate(far=Distance("at", here)).order_by("far")
        self.assertEqual([place.name for place in found], ["Berlin", "Rome"])

    def test_within(self):
        box = Polygon.from_bbox((13, 52, 14, 53))
        self.assertEqual(Place.objects.get(at__within=box).name, "Berlin")


class ReferenceTests(TransactionTestCase):
    def test_systems_survive_a_flush(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM spatial_ref_sys")
            self.assertGreater(cursor.fetchone()[0], 1000)
        Place.objects.create(name="Oslo", at=Point(10.7, 59.9, srid=4326))


class FlushedTests(TransactionTestCase):
    def test_nothing_is_left(self):
        self.assertEqual(Place.objects.count(), 0)

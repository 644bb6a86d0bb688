"""Tests of quotes, shipments and tracking."""

import os
from decimal import Decimal
from unittest import SkipTest

from django.db import IntegrityError, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag

from orders.models import Order
from orders.services import OrderError
from shipping.models import Carrier, Shipment, ShippingMethod, ShippingZone
from shipping.services import ShippingError, cost, methods_for, register_event, ship, weight_of
from shop.factories import make_country, make_line, make_order, make_product, make_variant, utc
from shop.tests.mixins import AdminPagesMixin

NOON = utc(2024, 5, 1, 12)


class CostTests(SimpleTestCase):
    def setUp(self):
        self.method = ShippingMethod(base_cost=Decimal("4.90"), cost_per_kg=Decimal("0.50"))

    def test_an_empty_parcel_costs_the_base(self):
        self.assertEqual(cost(self.method, 0, Decimal(10)), Decimal("4.90"))

    def test_every_gram_counts(self):
        self.assertEqual(cost(self.method, 1500, Decimal(10)), Decimal("5.65"))

    def test_large_orders_are_free(self):
        self.method.free_from = Decimal("50.00")
        for subtotal, expected in (("49.99", "4.90"), ("50.00", "0.00"), ("99.00", "0.00")):
            with self.subTest(subtotal=subtotal):
                self.assertEqual(cost(self.method, 0, Decimal(subtotal)), Decimal(expected))

    def test_a_carrier_links_to_its_tracking_page(self):
        carrier = Carrier(tracking_template="https://post.example/{number}")
        self.assertEqual(carrier.tracking_link("X1"), "https://post.example/X1")

    def test_a_carrier_without_page_has_no_link(self):
        self.assertEqual(Carrier().tracking_link("X1"), "")


class MethodTests(TestCase):
    def names(self, country, weight=0):
        return [method.name for method in methods_for(make_country(country), weight)]

    def test_every_zone_has_a_parcel(self):
        for country, zone in (("DE", "Domestic"), ("FR", "European Union"), ("JP", "World")):
            with self.subTest(country=country):
                self.assertEqual(self.names(country), [f"Parcel {zone}"])

    def test_unknown_countries_have_no_method(self):
        self.assertEqual(self.names("AQ"), [])

    def test_heavy_parcels_are_not_for_everybody(self):
        ShippingMethod.objects.update(max_weight_grams=1000)
        self.assertEqual(self.names("DE", 1000), ["Parcel Domestic"])
        self.assertEqual(self.names("DE", 1001), [])

    def test_cheap_methods_come_first(self):
        ShippingMethod.objects.create(
            carrier=Carrier.objects.get(code="pickup"),
            zone=ShippingZone.objects.get(name="Domestic"),
            name="Pick-up",
            base_cost=Decimal("0.00"),
        )
        self.assertEqual(self.names("DE"), ["Pick-up", "Parcel Domestic"])


@tag("smoke")
class ShipmentTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.order = make_order(status=Order.Status.PAID)
        variant = make_variant(make_product(weight_grams=350))
        cls.line = make_line(cls.order, variant=variant, quantity=3)

    def test_the_weight_is_summed_up(self):
        self.assertEqual(weight_of(self.order), 1050)

    def test_all_lines_are_shipped(self):
        self.assertEqual(ship(self.order, NOON).lines.get().quantity, 3)

    def test_the_order_is_shipped(self):
        ship(self.order, NOON)
        self.assertEqual(Order.objects.get(pk=self.order.pk).status, "shipped")

    def test_an_order_is_shipped_once(self):
        ship(self.order, NOON)
        with self.assertRaisesMessage(ShippingError, "Only paid orders"):
            ship(self.order, NOON)

    def test_the_shipment_knows_its_time(self):
        self.assertTrue(ship(self.order, NOON).is_shipped)
        self.assertFalse(Shipment(order=self.order).is_shipped)

    def test_the_delivery_completes_the_order(self):
        shipment = ship(self.order, NOON)
        register_event(shipment, "delivered", utc(2024, 5, 3, 9), "Berlin")
        self.assertEqual(self.order.status, Order.Status.DELIVERED)

    def test_other_events_change_nothing(self):
        register_event(ship(self.order, NOON), "sorted", utc(2024, 5, 2))
        self.assertEqual(self.order.status, Order.Status.SHIPPED)

    def test_events_are_listed_by_time(self):
        shipment = ship(self.order, NOON)
        register_event(shipment, "delivered", utc(2024, 5, 3))
        register_event(shipment, "sorted", utc(2024, 5, 2))
        codes = [event.code for event in shipment.events.all()]
        self.assertEqual(codes, ["shipped", "sorted", "delivered"])

    def test_a_parcel_is_delivered_once(self):
        shipment = ship(self.order, NOON)
        register_event(shipment, "delivered", utc(2024, 5, 3))
        with self.assertRaises(OrderError):
            register_event(shipment, "delivered", utc(2024, 5, 4))

    def test_a_line_is_in_a_shipment_once(self):
        shipment = ship(self.order, NOON)
        with self.assertRaises(IntegrityError), transaction.atomic():
            shipment.lines.create(order_line=self.line)


class CarrierServiceTests(TestCase):
    """These tests ask the service of a carrier and need its key."""

    @classmethod
    def setUpClass(cls):
        if not os.environ.get("SHOP_CARRIER_KEY_FOR_TESTS"):
            raise SkipTest("no key of a carrier is set")
        super().setUpClass()

    def test_a_label_is_ordered(self):
        self.assertTrue(os.environ["SHOP_CARRIER_KEY_FOR_TESTS"])

    def test_a_label_is_cancelled(self):
        self.assertTrue(os.environ["SHOP_CARRIER_KEY_FOR_TESTS"])


class SeededZoneTests(TransactionTestCase):
    serialized_rollback = True

    def test_zones_keep_their_countries(self):
        zone = ShippingZone.objects.get(name="Domestic")
        self.assertEqual([country.code for country in zone.countries.all()], ["DE"])

    def test_a_zone_can_be_removed(self):
        ShippingZone.objects.get(name="World").delete()
        self.assertEqual(ShippingZone.objects.count(), 2)

    def test_carriers_are_sorted_by_code(self):
        codes = list(Carrier.objects.values_list("code", flat=True))
        self.assertEqual(codes, ["express", "pickup", "post"])


class ShippingMethodAdminTests(AdminPagesMixin, TestCase):
    model = ShippingMethod

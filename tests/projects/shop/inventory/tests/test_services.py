"""Tests of reservations, receipts and corrections of stock."""

from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test import TestCase, TransactionTestCase, skipUnlessDBFeature, tag
from django.test.utils import CaptureQueriesContext

from inventory.models import PurchaseOrder, StockMovement, StockRecord, Supplier, Warehouse
from inventory.services import (
    OutOfStock,
    available_quantity,
    move_stock,
    receive_purchase_order,
    records_to_reorder,
    release,
    reserve,
)
from shop.factories import make_brand, make_stock, make_user, make_variant, make_warehouse

CORRECTION = StockMovement.Reason.CORRECTION


class StockTestCase(TestCase):
    """Give every test a variant that two warehouses have."""

    @classmethod
    def setUpTestData(cls):
        cls.variant = make_variant(sku="MUG")
        cls.north = make_warehouse("N")
        cls.south = make_warehouse("S")
        cls.much = make_stock(cls.variant, 10, warehouse=cls.north)
        cls.little = make_stock(cls.variant, 4, warehouse=cls.south)

    def reload(self):
        self.much.refresh_from_db()
        self.little.refresh_from_db()


@tag("smoke")
class AvailableTests(StockTestCase):
    def test_all_warehouses_count(self):
        self.assertEqual(available_quantity(self.variant), 14)

    def test_closed_warehouses_do_not_count(self):
        Warehouse.objects.filter(pk=self.south.pk).update(is_active=False)
        self.assertEqual(available_quantity(self.variant), 10)

    def test_reserved_stock_does_not_count(self):
        StockRecord.objects.filter(pk=self.much.pk).update(reserved=9)
        self.assertEqual(available_quantity(self.variant), 5)

    def test_unknown_variants_have_no_stock(self):
        self.assertEqual(available_quantity(make_variant()), 0)

    def test_one_query_is_enough(self):
        with self.assertNumQueries(1):
            available_quantity(self.variant)


class ReserveTests(StockTestCase):
    def test_the_fullest_warehouse_is_used_first(self):
        self.assertEqual(reserve(self.variant, 3), [self.much])

    def test_two_warehouses_share_a_large_quantity(self):
        reserve(self.variant, 12)
        self.reload()
        self.assertEqual((self.much.reserved, self.little.reserved), (10, 2))

    def test_too_large_quantities_are_refused(self):
        with self.assertRaisesMessage(OutOfStock, "1 of 15 MUG missing"):
            reserve(self.variant, 15)

    def test_nothing_is_reserved_after_a_refusal(self):
        with self.assertRaises(OutOfStock):
            reserve(self.variant, 15)
        self.reload()
        self.assertEqual((self.much.reserved, self.little.reserved), (0, 0))

    def test_released_stock_is_available_again(self):
        reserve(self.variant, 12)
        release(self.variant, 12)
        self.assertEqual(available_quantity(self.variant), 14)

    @skipUnlessDBFeature("has_select_for_update")
    def test_the_rows_are_locked_while_reserving(self):
        with CaptureQueriesContext(connection) as queries:
            reserve(self.variant, 1)
        self.assertTrue(any("FOR UPDATE" in query["sql"] for query in queries))


class MoveStockTests(StockTestCase):
    def test_a_movement_is_kept(self):
        user = make_user()
        movement = move_stock(self.much, -2, CORRECTION, by=user)
        self.assertEqual((movement.delta, movement.by), (-2, user))

    def test_the_quantity_changes(self):
        move_stock(self.much, 5, CORRECTION)
        self.reload()
        self.assertEqual(self.much.on_hand, 15)

    def test_the_given_record_is_kept_up_to_date(self):
        move_stock(self.much, 5, CORRECTION)
        self.assertEqual(self.much.available, 15)

    def test_stock_cannot_become_negative(self):
        with self.assertRaisesMessage(OutOfStock, "only 10 of MUG on hand"):
            move_stock(self.much, -11, CORRECTION)

    def test_movements_survive_their_user(self):
        user = make_user()
        movement = move_stock(self.much, 1, CORRECTION, by=user)
        user.delete()
        movement.refresh_from_db()
        self.assertIsNone(movement.by)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_negative_stock(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            StockRecord.objects.filter(pk=self.much.pk).update(on_hand=-1)

    def test_a_variant_has_one_record_in_a_warehouse(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_stock(self.variant, warehouse=self.north)


class ReorderTests(StockTestCase):
    def test_records_below_their_level_are_found(self):
        StockRecord.objects.update(reorder_level=5)
        self.assertEqual(list(records_to_reorder()), [self.little])

    def test_reserved_stock_is_taken_off(self):
        StockRecord.objects.update(reorder_level=5, reserved=6)
        self.assertEqual(records_to_reorder().count(), 2)

    def test_one_warehouse_can_be_asked(self):
        StockRecord.objects.update(reorder_level=50)
        self.assertEqual(list(records_to_reorder(self.north)), [self.much])

    def test_records_and_query_agree(self):
        for level in (0, 4, 5, 10, 11):
            with self.subTest(level=level):
                StockRecord.objects.update(reorder_level=level)
                expected = {row for row in StockRecord.objects.all() if row.needs_reorder}
                self.assertEqual(set(records_to_reorder()), expected)


class PurchaseOrderTests(StockTestCase):
    def setUp(self):
        supplier = Supplier.objects.create(name="Pottery")
        self.order = PurchaseOrder.objects.create(
            supplier=supplier, warehouse=self.north, status=PurchaseOrder.Status.SENT
        )
        self.order.lines.create(variant=self.variant, quantity=6, unit_cost=Decimal("2.50"))

    def test_the_cost_is_summed_up(self):
        self.order.lines.create(variant=make_variant(), quantity=2, unit_cost=Decimal("1.00"))
        self.assertEqual(self.order.total_cost, Decimal("17.00"))

    def test_received_goods_are_booked(self):
        receive_purchase_order(self.order)
        self.reload()
        self.assertEqual(self.much.on_hand, 16)

    def test_new_articles_get_a_record(self):
        other = make_variant()
        self.order.lines.create(variant=other, quantity=2, unit_cost=Decimal("1.00"))
        self.assertEqual(receive_purchase_order(self.order), 2)
        self.assertEqual(available_quantity(other), 2)

    def test_goods_are_received_once(self):
        receive_purchase_order(self.order)
        with self.assertRaisesMessage(ValueError, "sent"):
            receive_purchase_order(self.order)

    def test_a_supplier_with_orders_cannot_be_deleted(self):
        with self.assertRaises(ProtectedError):
            self.order.supplier.delete()

    def test_suppliers_are_found_by_brand(self):
        brand = make_brand()
        self.order.supplier.brands.add(brand)
        self.assertEqual(list(brand.suppliers.all()), [self.order.supplier])


class RollbackTests(TransactionTestCase):
    def test_a_refused_reservation_changes_no_row(self):
        record = make_stock(on_hand=2)
        with self.assertRaises(OutOfStock):
            reserve(record.variant, 3)
        record.refresh_from_db()
        self.assertEqual(record.reserved, 0)

    @skipUnlessDBFeature("has_select_for_update")
    def test_locking_needs_a_transaction(self):
        make_stock()
        with self.assertRaises(transaction.TransactionManagementError):
            list(StockRecord.objects.select_for_update())

    def test_an_outer_transaction_takes_everything_back(self):
        record = make_stock(on_hand=2)
        with self.assertRaisesMessage(RuntimeError, "power cut"), transaction.atomic():
            move_stock(record, 1, CORRECTION)
            raise RuntimeError("power cut")
        self.assertFalse(StockMovement.objects.filter(record=record).exists())

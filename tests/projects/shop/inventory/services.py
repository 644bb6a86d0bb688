"""Stock reservations, receipts and corrections."""

from django.db import transaction
from django.db.models import F, QuerySet, Sum

from catalog.models import ProductVariant
from inventory.models import PurchaseOrder, StockMovement, StockRecord, Warehouse


class OutOfStock(Exception):
    """Less stock is available than was asked for."""


def available_quantity(variant: ProductVariant) -> int:
    """Return what all active warehouses together can sell."""
    records = variant.stock.filter(warehouse__is_active=True)
    return records.aggregate(n=Sum(F("on_hand") - F("reserved")))["n"] or 0


@transaction.atomic
def move_stock(record: StockRecord, delta: int, reason: str, by=None) -> StockMovement:
    """Change the quantity on hand and keep a movement as evidence."""
    locked = StockRecord.objects.select_for_update().get(pk=record.pk)
    if locked.on_hand + delta < 0:
        raise OutOfStock(f"only {locked.on_hand} of {locked.variant} on hand")
    locked.on_hand += delta
    locked.save(update_fields=["on_hand"])
    record.on_hand = locked.on_hand
    return StockMovement.objects.create(record=locked, delta=delta, reason=reason, by=by)


@transaction.atomic
def reserve(variant: ProductVariant, quantity: int) -> list[StockRecord]:
    """Reserve stock, in several warehouses if one alone has not enough."""
    records = StockRecord.objects.select_for_update().filter(
        variant=variant, warehouse__is_active=True
    )
    touched, missing = [], quantity
    for record in sorted(records, key=lambda record: -record.available):
        take = min(missing, record.available)
        if take > 0:
            record.reserved += take
            record.save(update_fields=["reserved"])
            touched.append(record)
            missing -= take
    if missing:
        raise OutOfStock(f"{missing} of {quantity} {variant} missing")
    return touched


@transaction.atomic
def release(variant: ProductVariant, quantity: int) -> None:
    """Give reserved stock free again."""
    for record in StockRecord.objects.select_for_update().filter(variant=variant):
        give = min(quantity, record.reserved)
        record.reserved -= give
        record.save(update_fields=["reserved"])
        quantity -= give


@transaction.atomic
def receive_purchase_order(purchase_order: PurchaseOrder, by=None) -> int:
    """Book all lines of a purchase order into its warehouse."""
    if purchase_order.status != PurchaseOrder.Status.SENT:
        raise ValueError("Only a purchase order that was sent can be received.")
    for line in purchase_order.lines.select_related("variant"):
        record, _ = StockRecord.objects.get_or_create(
            warehouse=purchase_order.warehouse, variant=line.variant
        )
        move_stock(record, line.quantity, StockMovement.Reason.RECEIPT, by=by)
    purchase_order.status = PurchaseOrder.Status.RECEIVED
    purchase_order.save()
    return purchase_order.lines.count()


def records_to_reorder(warehouse: Warehouse | None = None) -> QuerySet[StockRecord]:
    """Return the records whose available quantity is below their reorder level."""
    records = StockRecord.objects.filter(on_hand__lt=F("reorder_level") + F("reserved"))
    return records if warehouse is None else records.filter(warehouse=warehouse)

"""Print the stock of a warehouse, or of all of them."""

from django.core.management.base import BaseCommand, CommandError

from inventory.models import StockRecord, Warehouse


class Command(BaseCommand):
    help = "Print the stock that is on hand and reserved."

    def add_arguments(self, parser):
        parser.add_argument("--warehouse")
        parser.add_argument("--low", action="store_true", help="only what needs a reorder")

    def handle(self, *args, warehouse, low, **options):
        records = StockRecord.objects.select_related("warehouse", "variant")
        if warehouse:
            if not Warehouse.objects.filter(code=warehouse).exists():
                raise CommandError(f"There is no warehouse {warehouse}.")
            records = records.filter(warehouse__code=warehouse)
        for record in records.order_by("warehouse__code", "variant__sku"):
            if not low or record.needs_reorder:
                self.stdout.write(f"{record}: {record.on_hand} ({record.reserved} reserved)")

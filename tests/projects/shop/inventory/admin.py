"""Administration of stock."""

from django.contrib import admin

from inventory.models import PurchaseOrder, StockRecord, Supplier, Warehouse

admin.site.register([PurchaseOrder, Supplier, Warehouse])


@admin.register(StockRecord)
class StockRecordAdmin(admin.ModelAdmin):
    list_display = ["variant", "warehouse", "on_hand", "reserved"]
    list_select_related = ["variant", "warehouse"]

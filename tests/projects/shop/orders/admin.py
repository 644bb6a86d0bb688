"""Administration of orders."""

from django.contrib import admin

from orders.models import Order, OrderLine, ReturnRequest

admin.site.register([ReturnRequest])


class LineInline(admin.TabularInline):
    model = OrderLine
    raw_id_fields = ["variant"]
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "customer", "status", "placed_at"]
    list_filter = ["status"]
    search_fields = ["number"]
    inlines = [LineInline]

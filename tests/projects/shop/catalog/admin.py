"""Administration of the catalogue."""

from django.contrib import admin

from catalog.models import Attribute, Brand, Category, Collection, Product, ProductVariant, Tag

admin.site.register([Attribute, Brand, Category, Collection, Tag])


class VariantInline(admin.TabularInline):
    model = ProductVariant
    fields = ["sku", "name", "price", "is_active"]
    extra = 0


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "category", "status", "base_price"]
    list_filter = ["status", "category"]
    search_fields = ["name", "barcode"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [VariantInline]
    actions = ["publish"]

    @admin.action(description="Publish the selected products")
    def publish(self, request, queryset):
        count = queryset.update(status=Product.Status.PUBLISHED)
        self.message_user(request, f"{count} products published.")

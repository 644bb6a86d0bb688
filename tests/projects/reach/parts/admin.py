from django.contrib import admin

from parts.models import Colour, Part


@admin.register(Part)
class PartAdmin(admin.ModelAdmin):
    list_display = ["name", "total_price"]
    search_fields = ["name"]

    @admin.display(description="Total")
    def total_price(self, part):
        return f"{part.total} EUR"


admin.site.register(Colour)

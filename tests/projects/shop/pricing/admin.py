"""Administration of prices and taxes."""

from django.contrib import admin

from pricing.models import Country, Currency, ExchangeRate, PriceList, TaxClass, TaxRate

admin.site.register([Country, ExchangeRate, PriceList, TaxClass, TaxRate])


@admin.register(Currency)
class CurrencyAdmin(admin.ModelAdmin):
    list_display = ["code", "name", "symbol", "decimals"]
    search_fields = ["code", "name"]

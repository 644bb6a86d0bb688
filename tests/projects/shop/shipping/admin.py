"""Administration of shipping."""

from django.contrib import admin

from shipping.models import Carrier, Shipment, ShippingMethod, ShippingZone

admin.site.register([Carrier, Shipment, ShippingMethod, ShippingZone])

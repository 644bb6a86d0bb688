"""Administration of promotions."""

from django.contrib import admin

from promotions.models import Coupon, Promotion

admin.site.register([Coupon, Promotion])

"""Administration of payments."""

from django.contrib import admin

from payments.models import GiftCard, Payment, PaymentMethod

admin.site.register([GiftCard, Payment, PaymentMethod])

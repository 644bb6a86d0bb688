"""Administration of carts."""

from django.contrib import admin

from cart.models import Cart, Wishlist

admin.site.register([Cart, Wishlist])

"""Configuration of the cart app."""

from django.apps import AppConfig


class CartConfig(AppConfig):
    name = "cart"

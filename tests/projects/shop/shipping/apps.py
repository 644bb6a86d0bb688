"""Configuration of the shipping app."""

from django.apps import AppConfig


class ShippingConfig(AppConfig):
    name = "shipping"

"""Configuration of the pricing app."""

from django.apps import AppConfig


class PricingConfig(AppConfig):
    name = "pricing"

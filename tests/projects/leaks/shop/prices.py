"""Module globals that tests change."""

CURRENCIES = ["EUR"]
DISCOUNTS = {}


class Basket:
    limit = 5

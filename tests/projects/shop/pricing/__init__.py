"""Currencies, taxes and price lists."""

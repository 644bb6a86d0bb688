"""Customers and staff of the shop."""

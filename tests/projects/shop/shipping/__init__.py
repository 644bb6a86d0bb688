"""Delivery of orders."""

"""Payments, refunds and gift cards."""

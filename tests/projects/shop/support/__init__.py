"""Tickets of customers."""

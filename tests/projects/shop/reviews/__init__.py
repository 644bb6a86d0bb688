"""Opinions and questions of customers."""

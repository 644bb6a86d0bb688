"""Audit trail, imports and webhooks."""

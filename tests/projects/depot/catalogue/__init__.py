"""Depots, their services and the parcels that lie there."""

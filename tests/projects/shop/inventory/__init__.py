"""Stock and purchasing."""

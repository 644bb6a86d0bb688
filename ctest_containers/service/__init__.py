"""Isolated databases that stay up until they are told to go: `service up`, `service down`."""

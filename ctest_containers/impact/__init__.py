"""Finds the tests that a change can reach."""

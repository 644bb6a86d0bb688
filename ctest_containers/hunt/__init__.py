"""Finds the tests that make another test fail, and what they leave behind."""

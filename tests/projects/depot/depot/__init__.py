"""A logistics company with several databases."""

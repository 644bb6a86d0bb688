"""What the tests of the toolkit have in common."""

"""Back-office of a web shop."""

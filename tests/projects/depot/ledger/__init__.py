"""What depots earn and spend, in a database of its own on the same server."""

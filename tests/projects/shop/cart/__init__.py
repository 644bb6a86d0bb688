"""Shopping carts and wish lists."""

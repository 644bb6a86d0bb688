"""Pages, blog and newsletter."""

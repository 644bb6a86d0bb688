"""The rows of the table of options, and what their values may be."""

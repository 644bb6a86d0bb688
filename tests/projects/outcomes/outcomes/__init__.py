"""A project whose tests end in every way there is."""

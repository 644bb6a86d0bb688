"""Records what a build of a template uses, and tells whether that is still the same."""

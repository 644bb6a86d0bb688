"""Worker processes; each runs batches of tests against its own databases."""

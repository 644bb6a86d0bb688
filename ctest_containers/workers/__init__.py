"""Worker processes: each runs batches of tests against databases of its own."""

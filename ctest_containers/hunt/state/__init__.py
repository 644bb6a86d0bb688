"""Takes snapshots of what tests may change in a process and its databases, and compares them."""

"""Papers of past years, in a SQLite file."""

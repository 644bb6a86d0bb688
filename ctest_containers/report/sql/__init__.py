"""The SQL of a run: what each test sent to its databases, and from where."""

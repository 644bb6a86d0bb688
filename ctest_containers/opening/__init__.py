"""Opens kept failures: their databases on servers of their own, for a person or a program.

The kept state never changes: a server gets a copy of the files, and so does an SQLite connection.
Like a run, the process that opens a failure owns what it starts.
"""

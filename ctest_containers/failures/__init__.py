"""Kept failures: the databases of tests that failed, as they were at that moment.

A failure is a folder in the cache folder. It holds only what lies above the template, so it takes a
few MB, and it can be opened as long as its template exists or can be built again. pgtestdb keeps
the database of a failed test in the same way: https://github.com/peterldowns/pgtestdb.
"""

"""The supply: everything that a worker gets for itself, from the first guess to the clean-up.

`Supply` is the only object that the entry points need (`run`, pytest, `exec`, `service`, the Python
API, the nodes of a cluster). It knows resources, of which the project's databases are one; each
resource is prepared as snapshots, and servers for workers start from these.
"""

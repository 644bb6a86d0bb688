"""The supply: everything that each worker gets for itself, from the forecast to the clean-up.

`Supply` is the only object that the entry points need (`run`, pytest, `exec`, `service`, the Python
API, the nodes of a cluster). It has resources, one of which is the project's databases. Each
resource is prepared as snapshots, from which the servers of workers start.
"""

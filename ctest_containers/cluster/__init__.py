"""Runs batches on the nodes of a Dask cluster, each with an engine of its own.

The parent gives out batches and accounts for tests (`scheduler`, `pool`); Dask carries what it
says to the nodes and what they say to it (`dask_link`, `on_node`). On each node a process of its
own has the project loaded, its templates, its servers and its workers (`ctest_containers.node`),
as a run on one machine has them; it reports every event, and the run's reports are made from
these.
"""

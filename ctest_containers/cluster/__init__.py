"""Runs batches on the nodes of a Dask cluster, each with an engine of its own.

The parent assigns batches and accounts for tests (`scheduler`, `pool`); Dask carries the messages
between it and the nodes (`dask_link`, `on_node`). Each node has a separate process with the
project loaded and with its own templates, servers and workers (`ctest_containers.node`), like a
run on one machine. It sends every event to the parent, which makes the run's reports from them.
"""

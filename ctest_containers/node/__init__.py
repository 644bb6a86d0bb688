"""The process that runs a node's part of a run, with its own templates, servers and workers.

`python -m ctest_containers.node` reads a `NodeSpec` and then commands from its standard input, and
writes events and messages to its standard output as JSON lines. It ends when its input does.
"""

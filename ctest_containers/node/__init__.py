"""The process that does a node's part of a run: the project, its templates, servers and workers.

`python -m ctest_containers.node` reads a `NodeSpec` and then commands from its standard input, and
writes what happens to its standard output, a JSON line each. It ends when its input does.
"""

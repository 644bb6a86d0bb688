"""Database servers in containers, owned by a process of their own.

The server host is a small process beside the run's parent. It alone talks to the container engine,
so the parent stays free of threads and can fork workers at any time; it starts and removes many
containers at once; and when the parent dies, however it dies, the host's standard input ends and
the host removes everything that it started.
"""

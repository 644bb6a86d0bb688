"""Database servers in containers, owned by a process of their own.

The server host is a small process beside the run's parent. Only the host talks to the container
engine, so the parent has no threads and can fork workers at any time. The host starts and removes
many containers at once. When the parent dies, for whatever reason, the host's standard input ends,
and the host removes everything that it has started.
"""

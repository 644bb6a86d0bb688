"""A run of tests: its state, its phases, and what executes them."""

from ctest_containers.session.run import Session

__all__ = ["Session"]

"""What may go wrong in a case, so that it has no figures."""

from __future__ import annotations


class BenchError(Exception):
    """A run failed, or ran other tests than it should have; its sentence says which and how."""


class NoisyError(BenchError):
    """The machine was too noisy for figures."""

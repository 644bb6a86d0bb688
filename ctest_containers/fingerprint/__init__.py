"""One hash over everything that decides the schema and the data that migrations put in."""

from ctest_containers.fingerprint.digest import Input, fingerprint

__all__ = ["Input", "fingerprint"]

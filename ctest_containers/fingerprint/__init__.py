"""Hashes everything that decides the schema and the data of migrations."""

from ctest_containers.fingerprint.digest import Input, fingerprint

__all__ = ["Input", "fingerprint"]

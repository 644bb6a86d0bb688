"""Customers and orders of the system before this one, on MySQL or MariaDB."""

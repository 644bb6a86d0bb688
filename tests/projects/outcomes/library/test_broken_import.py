"""A module that cannot be imported."""

import library.does_not_exist  # noqa: F401

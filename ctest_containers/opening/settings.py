"""The project's Django settings, with the databases of an opened failure.

It is a settings module, which `DJANGO_SETTINGS_MODULE` names in the environment of a command. The
names of the test databases are those of the databases themselves, so that a test runner that keeps
existing test databases uses them.
"""

from __future__ import annotations

import json
import os
from importlib import import_module

from ctest_containers.opening.redirection import DATABASES_VARIABLE, SETTINGS_VARIABLE, redirected

_original = import_module(os.environ[SETTINGS_VARIABLE])

globals().update({name: getattr(_original, name) for name in dir(_original) if name.isupper()})

DATABASES = redirected(
    getattr(_original, "DATABASES", {}), json.loads(os.environ[DATABASES_VARIABLE])
)

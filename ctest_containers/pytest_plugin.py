"""The pytest plugin: `pytest --ctest` runs on isolated databases."""

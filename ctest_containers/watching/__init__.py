"""Watches the files of a project, and runs the tests that a change can reach."""

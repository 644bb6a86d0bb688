"""Says what would keep a project's tests from running here, or from being isolated."""

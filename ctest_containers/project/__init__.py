"""The user's Django project: the only part, with the runner, that knows Django."""

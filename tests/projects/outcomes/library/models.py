"""Authors and books."""

from django.db import models


class Author(models.Model):
    """Somebody who writes."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name

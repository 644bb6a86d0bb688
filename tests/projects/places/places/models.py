"""Places on the map."""

from django.contrib.gis.db import models


class Place(models.Model):
    """A point with a name."""

    name = models.CharField(max_length=40)
    at = models.PointField()

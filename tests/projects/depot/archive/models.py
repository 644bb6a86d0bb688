from django.db import models


class Year(models.Model):
    """Migrations create the first three."""

    number = models.PositiveSmallIntegerField(unique=True)


class Document(models.Model):
    year = models.ForeignKey(Year, models.CASCADE, related_name="documents")
    title = models.CharField(max_length=60)

from django.db import models


class Service(models.Model):
    """What a depot may offer; migrations create all there are."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=60)


class Depot(models.Model):
    """A place where parcels lie; migrations create the first two."""

    code = models.CharField(max_length=3, unique=True)
    city = models.CharField(max_length=60)
    services = models.ManyToManyField(Service, related_name="depots")


class Parcel(models.Model):
    depot = models.ForeignKey(Depot, models.CASCADE, related_name="parcels")
    reference = models.CharField(max_length=20, unique=True)
    weight = models.DecimalField(max_digits=7, decimal_places=2)

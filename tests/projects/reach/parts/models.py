from django.core.validators import MinValueValidator
from django.db import models

from parts.codes import new_code


class Named(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self):
        return self.label()

    def label(self):
        return self.name.title()


class PartQuerySet(models.QuerySet):
    def cheap(self):
        return self.filter(price__lt=10)


class Maker(Named):
    country = models.CharField(max_length=2, default="de")


class Part(Named):
    KINDS = [("bolt", "Bolt"), ("nut", "Nut")]

    code = models.CharField(max_length=20, default=new_code)
    price = models.IntegerField(default=5, validators=[MinValueValidator(1)])
    kind = models.CharField(max_length=4, choices=KINDS, default="bolt")
    maker = models.ForeignKey(Maker, models.CASCADE, null=True)

    objects = PartQuerySet.as_manager()

    @property
    def total(self):
        return self.price * 2

    def save(self, *args, **kwargs):
        self.name = self.name.strip()
        super().save(*args, **kwargs)


class CheapPart(Part):
    class Meta:
        proxy = True
        ordering = ["price"]


class Colour(models.Model):
    name = models.CharField(max_length=10, unique=True)
    rank = models.IntegerField(default=0)

    class Meta:
        verbose_name_plural = "colours"


class Log(models.Model):
    text = models.CharField(max_length=50)

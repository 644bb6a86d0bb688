from django.db import models


class Order(models.Model):
    name = models.CharField(max_length=100)
    price = models.IntegerField(default=10)

    def total(self):
        return self.price


class Customer(models.Model):
    name = models.CharField(max_length=100)

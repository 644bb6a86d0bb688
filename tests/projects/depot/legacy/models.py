from django.db import models


class Status(models.Model):
    """Migrations create all there are."""

    code = models.CharField(max_length=10, unique=True)
    is_open = models.BooleanField(default=False)


class Customer(models.Model):
    number = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=60)


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    status = models.ForeignKey(Status, models.PROTECT, related_name="orders")
    placed_at = models.DateTimeField()


class OpenOrder(models.Model):
    """A row of a view that a migration creates."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=60)

    class Meta:
        managed = False
        db_table = "legacy_open_orders"

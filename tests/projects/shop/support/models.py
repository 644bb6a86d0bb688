"""Support departments, tickets, messages and canned replies."""

from django.conf import settings
from django.db import models

from shop.abstract import TimeStampedModel


class Department(models.Model):
    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=60)
    email = models.EmailField(blank=True)
    agents = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="departments"
    )

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class TicketQuerySet(models.QuerySet):
    def waiting(self) -> "TicketQuerySet":
        return self.filter(status__in=[Ticket.Status.OPEN, Ticket.Status.PENDING])


class Ticket(TimeStampedModel):
    class Status(models.TextChoices):
        OPEN = "open", "Open"
        PENDING = "pending", "Pending"
        CLOSED = "closed", "Closed"

    class Priority(models.IntegerChoices):
        LOW = 1, "Low"
        NORMAL = 2, "Normal"
        HIGH = 3, "High"

    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="tickets")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tickets"
    )
    order = models.ForeignKey(
        "orders.Order", on_delete=models.SET_NULL, null=True, blank=True, related_name="tickets"
    )
    subject = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    labels = models.ManyToManyField("TicketLabel", blank=True, related_name="tickets")
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-priority", "created_at", "id"]
        indexes = [models.Index(fields=["status", "priority"], name="support_status_priority")]

    def __str__(self) -> str:
        return self.subject


class TicketMessage(TimeStampedModel):
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    body = models.TextField()
    internal = models.BooleanField(default=False)

    class Meta:
        ordering = ["created_at", "id"]


class TicketLabel(models.Model):
    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class CannedReply(models.Model):
    title = models.CharField(max_length=80, unique=True)
    body = models.TextField()
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, null=True, blank=True, related_name="replies"
    )

    class Meta:
        ordering = ["title"]
        verbose_name_plural = "canned replies"

    def render(self, **context: object) -> str:
        """Fill the placeholders of the reply."""
        return self.body.format(**context)

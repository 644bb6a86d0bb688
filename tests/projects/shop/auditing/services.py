"""Writing and reading the audit trail, and webhooks."""

from datetime import datetime

from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Model, QuerySet

from auditing.models import AuditEntry, Webhook, WebhookDelivery


def log(actor, verb: str, target: Model, **changes: object) -> AuditEntry:
    """Write one entry about a change of any object."""
    return AuditEntry.objects.create(
        actor=actor,
        verb=verb,
        content_type=ContentType.objects.get_for_model(target),
        object_id=str(target.pk),
        changes=changes,
    )


def history_of(target: Model) -> QuerySet[AuditEntry]:
    """Return the entries about one object, the latest first."""
    content_type = ContentType.objects.get_for_model(target)
    return AuditEntry.objects.filter(content_type=content_type, object_id=str(target.pk))


def announce(event: str, payload: dict) -> list[WebhookDelivery]:
    """Queue an event for every webhook that wants it."""
    return [
        webhook.deliveries.create(event=event, payload=payload)
        for webhook in Webhook.objects.order_by("name")
        if webhook.wants(event)
    ]


def record_attempt(delivery: WebhookDelivery, delivered_at: datetime | None) -> None:
    """Count an attempt to deliver, successful if a time is given."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        attempts=F("attempts") + 1, delivered_at=delivered_at
    )
    delivery.refresh_from_db()

from django.db.models.signals import post_save

from parts.models import Log, Part


def log_part(sender, instance, created, **kwargs):
    if created:
        Log.objects.create(text=log_text(instance))


def log_text(part):
    return f"new {part.name}"


def connect():
    post_save.connect(log_part, sender=Part, dispatch_uid="log_part")

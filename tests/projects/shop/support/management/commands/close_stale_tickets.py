"""Close the pending tickets that were opened before a day."""

from datetime import datetime, timezone

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date

from support.models import Ticket
from support.services import close


class Command(BaseCommand):
    help = "Close pending tickets opened before a day."

    def add_arguments(self, parser):
        parser.add_argument("day", help="for instance 2024-05-31")
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args, day, dry_run, **options):
        parsed = parse_date(day)
        if parsed is None:
            raise CommandError(f"{day} is not a day.")
        limit = datetime(parsed.year, parsed.month, parsed.day, tzinfo=timezone.utc)
        stale = Ticket.objects.filter(status=Ticket.Status.PENDING, created_at__lt=limit)
        for ticket in stale:
            if not dry_run:
                close(ticket, limit)
            self.stdout.write(f"closed: {ticket}")

"""Compute the daily sales of a range of days anew."""

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date

from analytics.services import rebuild_daily_sales


class Command(BaseCommand):
    help = "Compute daily sales anew."

    def add_arguments(self, parser):
        parser.add_argument("first")
        parser.add_argument("last", nargs="?")

    def handle(self, *args, first, last, **options):
        start, end = parse_date(first), parse_date(last or first)
        if start is None or end is None or end < start:
            raise CommandError("Give one day, or the first and the last day of a range.")
        while start <= end:
            for row in rebuild_daily_sales(start):
                self.stdout.write(f"{row.day} {row.currency_id} {row.revenue}")
            start += timedelta(days=1)

from django.core.management import BaseCommand

from parts.models import Part


class Command(BaseCommand):
    help = "Counts parts."

    def add_arguments(self, parser):
        parser.add_argument("--kind", default="bolt")

    def handle(self, *args, kind, **options):
        self.stdout.write(f"{Part.objects.filter(kind=kind).count()} of {kind}")

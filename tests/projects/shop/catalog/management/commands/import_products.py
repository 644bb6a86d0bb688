"""Import products from a CSV file with the columns name, category and price."""

import csv
from decimal import Decimal, InvalidOperation

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.text import slugify

from auditing.models import ImportJob
from catalog.models import Category, Product


class Command(BaseCommand):
    help = "Import products from a CSV file."

    def add_arguments(self, parser):
        parser.add_argument("path")
        parser.add_argument("--publish", action="store_true")

    def handle(self, *args, path, publish, **options):
        try:
            with open(path, encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
        except OSError as error:
            raise CommandError(f"Cannot read the file: {error.strerror}") from error
        job = ImportJob.objects.create(name="products")
        status = Product.Status.PUBLISHED if publish else Product.Status.DRAFT
        for number, row in enumerate(rows, start=2):
            try:
                price = Decimal(row["price"])
            except InvalidOperation:
                job.errors.append(f"line {number}: bad price {row['price']!r}")
                continue
            slug = slugify(row["category"])
            category, _ = Category.objects.get_or_create(
                slug=slug, defaults={"name": row["category"]}
            )
            values = {
                "name": row["name"],
                "category": category,
                "base_price": price,
                "status": status,
            }
            _, created = Product.objects.update_or_create(
                slug=slugify(row["name"]), defaults=values
            )
            job.created_count += created
        job.finished_at = timezone.now()
        job.save()
        self.stdout.write(f"{job.created_count} products created, {len(job.errors)} errors")

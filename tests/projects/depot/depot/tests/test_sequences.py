"""Keys begin at 1 in each database, in each test that asks for it."""

from django.test import TransactionTestCase

from archive.models import Document, Year
from catalogue.models import Depot, Parcel
from ledger.models import Account, Entry
from legacy.models import Customer


class SequenceTests(TransactionTestCase):
    """Rows of migrations keep their keys, so only other rows are counted."""

    databases = {"default", "replica", "ledger", "legacy", "archive"}
    reset_sequences = True

    def first_keys(self):
        depot = Depot.objects.create(pk=5001, code="XXX", city="Nowhere")
        account = Account.objects.create(pk=5001, code="sequence", name="Sequence")
        year = Year.objects.create(pk=5001, number=1950)
        rows = [
            Parcel.objects.create(depot=depot, reference="S-1", weight=1),
            Entry.objects.create(account=account, amount=1),
            Customer.objects.create(number=1, name="first"),
            Document.objects.create(year=year, title="first"),
        ]
        self.assertEqual([row.pk for row in rows], [1, 1, 1, 1])

    def test_once(self):
        self.first_keys()

    def test_again(self):
        self.first_keys()

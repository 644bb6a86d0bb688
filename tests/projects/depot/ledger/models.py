from django.db import models, transaction


class Account(models.Model):
    """Migrations create one for each first depot, and one for the company."""

    code = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=60)


class Entry(models.Model):
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries")
    amount = models.DecimalField(max_digits=9, decimal_places=2)


posted = []
"""The amounts of entries that have been committed."""


def post(account, amount):
    """Add an entry, and remember its amount once it is committed."""
    entry = Entry.objects.create(account=account, amount=amount)
    transaction.on_commit(lambda: posted.append(amount), using="ledger")
    return entry

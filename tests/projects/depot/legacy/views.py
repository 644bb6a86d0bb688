from django.db import DatabaseError
from django.http import HttpResponse

from legacy.models import Customer


def rename(request, number):
    """Rename a customer; without a name, fail after the database has been changed."""
    name = request.GET.get("name", "")
    Customer.objects.filter(number=number).update(name=name)
    if not name:
        raise DatabaseError("a customer has a name")
    return HttpResponse(name)

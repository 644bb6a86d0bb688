"""Views of the customer's own orders."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone


@login_required
def order_list(request: HttpRequest) -> JsonResponse:
    numbers = list(request.user.orders.values_list("number", flat=True))
    return JsonResponse({"orders": numbers})


@login_required
def order_detail(request: HttpRequest, number: str) -> JsonResponse:
    order = get_object_or_404(request.user.orders, number=number)
    return JsonResponse(
        {
            "number": order.number,
            "status": order.get_status_display(),
            "total": str(order.total),
            "placed": timezone.localtime(order.placed_at).isoformat(),
            "notes": [note.text for note in order.notes.filter(is_public=True)],
        }
    )

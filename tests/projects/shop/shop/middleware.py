"""Middleware that closes the shop to the public during maintenance."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class MaintenanceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SHOP_MAINTENANCE and not request.path.startswith("/admin/"):
            return HttpResponse("Back soon.", status=503, content_type="text/plain")
        return self.get_response(request)

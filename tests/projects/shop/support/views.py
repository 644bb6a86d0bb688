"""Views for customers with questions."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import View
from django.views.decorators.http import require_POST

from support.forms import ContactForm
from support.services import open_ticket


class TicketListView(LoginRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        tickets = request.user.tickets.waiting()
        return JsonResponse({"tickets": [ticket.subject for ticket in tickets]})


@require_POST
@login_required
def contact(request: HttpRequest) -> JsonResponse:
    form = ContactForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    data = form.cleaned_data
    open_ticket(request.user, data["subject"], data["body"], data["department"].code)
    return JsonResponse({"subject": data["subject"]}, status=201)

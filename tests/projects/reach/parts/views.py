from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import ListView

from parts.forms import PartForm
from parts.models import Part


def detail(request, pk):
    part = get_object_or_404(Part, pk=pk)
    return render(request, "parts/detail.html", {"part": part})


class PartList(ListView):
    model = Part
    template_name = "parts/list.html"
    paginate_by = 2

    def get_queryset(self):
        return super().get_queryset().cheap()


def create(request):
    form = PartForm(request.POST or None)
    if form.is_valid():
        part = form.save()
        return redirect("part", pk=part.pk)
    return JsonResponse({"errors": form.errors}, status=400)


def ping(request):
    return HttpResponse("pong")

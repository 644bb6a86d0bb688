from django.apps import apps
from django.shortcuts import render


def colours(request):
    Colour = apps.get_model("parts", "Colour")
    return render(request, "extras/colours.html", {"colours": Colour.objects.order_by("rank")})

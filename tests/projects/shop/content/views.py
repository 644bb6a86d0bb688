"""Public pages, the blog and the newsletter form."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from content.models import BlogPost, Page
from content.services import subscribe


def page(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Page, slug=slug, is_public=True)
    return render(request, "content/page.html", {"page": found})


async def blog(request: HttpRequest) -> JsonResponse:
    posts = BlogPost.objects.filter(published_at__lte=timezone.now()).order_by("published_at")
    return JsonResponse({"posts": [post.name async for post in posts]})


@csrf_exempt
@require_POST
def newsletter(request: HttpRequest) -> JsonResponse:
    try:
        created = subscribe(request.POST.get("email", ""), source="web")
    except ValidationError as error:
        return JsonResponse({"error": error.messages[0]}, status=400)
    return JsonResponse({"created": created}, status=201 if created else 200)

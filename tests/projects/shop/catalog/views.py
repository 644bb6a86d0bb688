"""Public views of the catalogue."""

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from analytics.services import record_search, record_view
from catalog.models import Product
from catalog.services import category_menu


@require_GET
def product_list(request: HttpRequest) -> JsonResponse:
    products = Product.objects.published().select_related("brand")
    text = request.GET.get("q", "").strip()
    if text:
        products = products.search(text)
        record_search(text, products.count())
    rows = [
        {"slug": product.slug, "name": product.name, "brand": product.brand and product.brand.name}
        for product in products
    ]
    return JsonResponse({"products": rows})


@require_GET
def product_detail(request: HttpRequest, slug: str) -> JsonResponse:
    product = get_object_or_404(Product.objects.published(), slug=slug)
    record_view(request.path, user=request.user, product=product)
    return JsonResponse(
        {
            "name": product.name,
            "price": str(product.base_price),
            "variants": [variant.sku for variant in product.variants.filter(is_active=True)],
        }
    )


@require_GET
def menu(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"menu": category_menu()})

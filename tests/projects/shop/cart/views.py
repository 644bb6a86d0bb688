"""Views of the customer's own cart."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from cart.models import Cart
from cart.services import CartError, add_to_cart
from catalog.models import ProductVariant


def cart_of(user) -> Cart:
    cart = user.carts.filter(is_open=True).first()
    return cart or Cart.objects.create(user=user)


@require_GET
@login_required
def show(request: HttpRequest) -> JsonResponse:
    cart = cart_of(request.user)
    lines = [
        {"sku": line.variant.sku, "quantity": line.quantity}
        for line in cart.lines.select_related("variant")
    ]
    return JsonResponse({"lines": lines, "subtotal": str(cart.subtotal)})


@require_POST
@login_required
def add(request: HttpRequest) -> JsonResponse:
    variant = get_object_or_404(ProductVariant, sku=request.POST.get("sku", ""))
    try:
        quantity = int(request.POST.get("quantity", "1"))
        line = add_to_cart(cart_of(request.user), variant, quantity)
    except (CartError, ValueError) as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse({"sku": variant.sku, "quantity": line.quantity}, status=201)

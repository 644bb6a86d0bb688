"""Operations on the catalogue."""

from django.core.cache import cache
from django.db import transaction

from catalog.models import Category, Product
from shop.text import unique_slug

MENU_KEY = "catalog:category-menu"


def category_menu() -> list[dict]:
    """Return the top categories with their children, cached until the next change."""
    menu = cache.get(MENU_KEY)
    if menu is None:
        menu = [
            {"name": top.name, "children": [child.name for child in top.children.all()]}
            for top in Category.objects.filter(parent=None).prefetch_related("children")
        ]
        cache.set(MENU_KEY, menu, timeout=600)
    return menu


def forget_category_menu() -> None:
    cache.delete(MENU_KEY)


@transaction.atomic
def copy_product(product: Product, name: str) -> Product:
    """Create a draft with the tags and images of an existing product."""
    copy = Product.objects.create(
        name=name,
        slug=unique_slug(name, set(Product.objects.values_list("slug", flat=True))),
        category=product.category,
        brand=product.brand,
        tax_class=product.tax_class,
        description=product.description,
        base_price=product.base_price,
        specification=product.specification,
    )
    copy.tags.set(product.tags.all())
    for image in product.images.all():
        copy.images.create(path=image.path, alt_text=image.alt_text, position=image.position)
    return copy


def retire_products_of(category: Category) -> int:
    """Retire all published products of a category and return their number."""
    return category.products.published().update(status=Product.Status.RETIRED)

"""Short functions that create valid rows for tests."""

from datetime import datetime, timezone
from decimal import Decimal
from itertools import count

from accounts.models import Address, CustomerProfile, User
from cart.models import Cart
from catalog.models import Brand, Category, Product, ProductVariant
from inventory.models import StockRecord, Warehouse
from orders.models import Order, OrderLine
from payments.models import Payment, PaymentMethod
from pricing.models import Country, Currency, TaxClass
from support.models import Department

_numbers = count(1)


def unique(prefix: str) -> str:
    """Return a name that no other call returns."""
    return f"{prefix}-{next(_numbers)}"


def utc(*parts: int) -> datetime:
    """Return a point in time in UTC."""
    return datetime(*parts, tzinfo=timezone.utc)


def make_user(username: str | None = None, **values) -> User:
    username = username or unique("user")
    values.setdefault("email", f"{username}@example.com")
    return User.objects.create(username=username, **values)


def make_superuser() -> User:
    return make_user(is_staff=True, is_superuser=True)


def make_profile(**values) -> CustomerProfile:
    values.setdefault("user", make_user())
    return CustomerProfile.objects.create(**values)


def make_currency(code: str = "EUR", name: str = "Euro") -> Currency:
    return Currency.objects.get_or_create(code=code, defaults={"name": name})[0]


def make_country(code: str = "DE", name: str = "Germany") -> Country:
    return Country.objects.get_or_create(code=code, defaults={"name": name})[0]


def make_tax_class(code: str = "standard") -> TaxClass:
    return TaxClass.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def make_address(user: User | None = None, **values) -> Address:
    values.setdefault("country", make_country())
    return Address.objects.create(
        user=user or make_user(),
        **{
            "recipient": "Ada Example",
            "street": "Main Street 1",
            "postcode": "10115",
            "city": "Berlin",
            **values,
        },
    )


def make_category(name: str | None = None, **values) -> Category:
    name = name or unique("category")
    return Category.objects.create(name=name, slug=unique("category"), **values)


def make_brand(name: str = "Acme") -> Brand:
    return Brand.objects.create(name=name, slug=unique("brand"))


def make_product(name: str = "Mug", **values) -> Product:
    values.setdefault("category", None)
    values["category"] = values["category"] or make_category()
    values.setdefault("slug", unique("product"))
    values.setdefault("status", Product.Status.PUBLISHED)
    values.setdefault("base_price", Decimal("10.00"))
    return Product.objects.create(name=name, **values)


def make_variant(product: Product | None = None, **values) -> ProductVariant:
    values.setdefault("sku", unique("SKU"))
    return ProductVariant.objects.create(product=product or make_product(), **values)


def make_warehouse(code: str | None = None, **values) -> Warehouse:
    code = code or unique("W")
    return Warehouse.objects.create(code=code, name=f"Warehouse {code}", **values)


def make_stock(variant: ProductVariant | None = None, on_hand: int = 10, **values) -> StockRecord:
    values.setdefault("warehouse", None)
    values["warehouse"] = values["warehouse"] or make_warehouse()
    return StockRecord.objects.create(variant=variant or make_variant(), on_hand=on_hand, **values)


def make_cart(user: User | None = None, **values) -> Cart:
    return Cart.objects.create(user=user or make_user(), currency=make_currency(), **values)


def make_order(customer: User | None = None, **values) -> Order:
    values.setdefault("number", unique("A"))
    values.setdefault("currency", make_currency())
    return Order.objects.create(customer=customer or make_user(), **values)


def make_line(order: Order | None = None, **values) -> OrderLine:
    values.setdefault("variant", None)
    values["variant"] = values["variant"] or make_variant()
    values.setdefault("unit_price", Decimal("10.00"))
    return OrderLine.objects.create(
        order=order or make_order(), description=values["variant"].product.name, **values
    )


def make_payment(order: Order | None = None, amount: str = "10.00", **values) -> Payment:
    method, _ = PaymentMethod.objects.get_or_create(code="card", defaults={"name": "Credit card"})
    values.setdefault("method", method)
    return Payment.objects.create(order=order or make_order(), amount=Decimal(amount), **values)


def make_department(code: str = "sales", **values) -> Department:
    return Department.objects.update_or_create(
        code=code, defaults={"name": code.title(), **values}
    )[0]

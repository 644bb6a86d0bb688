"""Products, their variants, categories, brands and collections."""

from decimal import Decimal

from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from shop.abstract import SluggedModel, TimeStampedModel
from shop.constraints import check_constraint


class Category(SluggedModel):
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    position = models.PositiveIntegerField(default=0)

    class Meta(SluggedModel.Meta):
        ordering = ["position", "name"]
        verbose_name_plural = "categories"

    def ancestors(self) -> list["Category"]:
        """Return the chain of parents, the topmost first."""
        chain, node = [], self.parent
        while node is not None:
            chain.insert(0, node)
            node = node.parent
        return chain

    @property
    def path(self) -> str:
        return " / ".join([*(node.name for node in self.ancestors()), self.name])


class Brand(SluggedModel):
    website = models.CharField(max_length=200, blank=True)


class Tag(models.Model):
    label = models.CharField(max_length=40, unique=True)

    class Meta:
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label


class ProductQuerySet(models.QuerySet):
    def published(self) -> "ProductQuerySet":
        return self.filter(status=Product.Status.PUBLISHED)

    def in_category(self, category: Category) -> "ProductQuerySet":
        return self.filter(models.Q(category=category) | models.Q(category__parent=category))

    def search(self, text: str) -> "ProductQuerySet":
        return self.filter(models.Q(name__icontains=text) | models.Q(description__icontains=text))


class Product(TimeStampedModel, SluggedModel):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products")
    brand = models.ForeignKey(
        Brand, on_delete=models.SET_NULL, null=True, blank=True, related_name="products"
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="products")
    tax_class = models.ForeignKey(
        "pricing.TaxClass", on_delete=models.PROTECT, null=True, blank=True, related_name="products"
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    description = models.TextField(blank=True)
    base_price = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    weight_grams = models.PositiveIntegerField(default=0)
    barcode = models.CharField(max_length=14, blank=True)
    specification = models.JSONField(default=dict, blank=True)
    attachments = GenericRelation("content.Attachment")

    objects = ProductQuerySet.as_manager()

    class Meta(SluggedModel.Meta):
        indexes = [
            models.Index(Lower("name"), name="catalog_product_name_lower"),
            models.Index(
                fields=["created_at"],
                condition=models.Q(status="published"),
                name="catalog_product_published",
            ),
            models.Index(fields=["barcode"], name="catalog_product_barcode"),
        ]
        constraints = [
            check_constraint(
                condition=models.Q(base_price__gte=0), name="catalog_product_price_gte_0"
            )
        ]

    def get_absolute_url(self) -> str:
        return reverse("catalog:product-detail", args=[self.slug])


class DigitalProduct(Product):
    file_name = models.CharField(max_length=200)
    download_limit = models.PositiveIntegerField(default=5)


class ProductVariant(TimeStampedModel):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")
    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    is_active = models.BooleanField(default=True)
    values = models.ManyToManyField("AttributeValue", blank=True, related_name="variants")

    class Meta:
        ordering = ["sku"]
        constraints = [
            check_constraint(
                condition=models.Q(price__isnull=True) | models.Q(price__gte=0),
                name="catalog_variant_price_gte_0",
            )
        ]

    def __str__(self) -> str:
        return self.sku

    @property
    def unit_price(self) -> Decimal:
        return self.product.base_price if self.price is None else self.price


class ProductImage(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    path = models.CharField(max_length=200)
    alt_text = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]


class Attribute(models.Model):
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)

    def __str__(self) -> str:
        return self.name


class AttributeValue(models.Model):
    attribute = models.ForeignKey(Attribute, on_delete=models.CASCADE, related_name="choices")
    value = models.CharField(max_length=60)

    class Meta:
        ordering = ["attribute", "value"]
        unique_together = [("attribute", "value")]

    def __str__(self) -> str:
        return f"{self.attribute}: {self.value}"


class Collection(SluggedModel):
    products = models.ManyToManyField(Product, through="CollectionItem", related_name="collections")


class CollectionItem(models.Model):
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="collection_items")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "product"], name="catalog_collection_product"
            )
        ]

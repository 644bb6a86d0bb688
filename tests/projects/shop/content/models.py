"""Pages, menus, blog posts, questions and answers, newsletter and attachments."""

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from shop.abstract import SluggedModel, TimeStampedModel


class Page(SluggedModel):
    body = models.TextField(blank=True)
    is_public = models.BooleanField(default=True)

    class Meta(SluggedModel.Meta):
        ordering = ["slug"]


class BlogPost(TimeStampedModel, SluggedModel):
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    body = models.TextField()
    published_at = models.DateTimeField(null=True, blank=True)
    related_products = models.ManyToManyField("catalog.Product", blank=True, related_name="posts")

    class Meta(SluggedModel.Meta):
        indexes = [models.Index(fields=["published_at"], name="content_post_published_at")]

    def is_published_at(self, moment) -> bool:
        return self.published_at is not None and self.published_at <= moment


class Attachment(models.Model):
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    target = GenericForeignKey("content_type", "object_id")
    title = models.CharField(max_length=120)
    path = models.CharField(max_length=200)

    class Meta:
        indexes = [
            models.Index(fields=["content_type", "object_id"], name="content_attachment_target")
        ]

    def __str__(self) -> str:
        return self.title


class MenuItem(models.Model):
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    page = models.ForeignKey(
        Page, on_delete=models.CASCADE, null=True, blank=True, related_name="menu_items"
    )
    label = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label


class FaqEntry(models.Model):
    question = models.CharField(max_length=200, unique=True)
    answer = models.TextField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "FAQ entries"


class NewsletterSubscriber(models.Model):
    email = models.EmailField(unique=True)
    joined_at = models.DateTimeField(default=timezone.now)
    confirmed = models.BooleanField(default=False)
    source = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return self.email

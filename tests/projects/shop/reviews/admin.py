"""Moderation of reviews."""

from django.contrib import admin

from reviews.models import Question, Review

admin.site.register([Question])


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    list_display = ["product", "author", "rating", "status"]
    actions = ["approve"]

    @admin.action(description="Approve the selected reviews")
    def approve(self, request, queryset):
        queryset.update(status=Review.Status.APPROVED)

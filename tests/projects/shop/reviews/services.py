"""Moderation and figures of reviews."""

from django.db import transaction
from django.db.models import Avg, Count, F

from catalog.models import Product
from reviews.models import Review, ReviewVote


def summary(product: Product) -> dict:
    """Return the number of visible reviews and their average rating."""
    figures = product.reviews.visible().aggregate(count=Count("id"), average=Avg("rating"))
    average = figures["average"]
    return {
        "count": figures["count"],
        "average": None if average is None else round(float(average), 1),
    }


@transaction.atomic
def vote(review: Review, voter, helpful: bool = True) -> ReviewVote:
    """Count one vote for each voter; authors cannot vote for themselves."""
    if review.author_id == voter.pk:
        raise ValueError("Authors cannot vote on their own review.")
    found, created = ReviewVote.objects.get_or_create(
        review=review, voter=voter, defaults={"helpful": helpful}
    )
    if created and helpful:
        Review.objects.filter(pk=review.pk).update(helpful_count=F("helpful_count") + 1)
        review.refresh_from_db(fields=["helpful_count"])
    return found


def moderate(review: Review, approve: bool) -> None:
    review.status = Review.Status.APPROVED if approve else Review.Status.REJECTED
    review.save(update_fields=["status", "updated_at"])

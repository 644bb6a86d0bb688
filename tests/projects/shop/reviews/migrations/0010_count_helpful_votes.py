from django.db import migrations
from django.db.models import Count, Q


def forwards(apps, schema_editor):
    """Store the number of helpful votes with each review."""
    reviews = apps.get_model("reviews", "Review").objects.using(schema_editor.connection.alias)
    for review in reviews.annotate(found=Count("votes", filter=Q(votes__helpful=True))):
        reviews.filter(pk=review.pk).update(helpful_count=review.found)


def backwards(apps, schema_editor):
    apps.get_model("reviews", "Review").objects.using(schema_editor.connection.alias).update(
        helpful_count=0
    )


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0009_add_questions"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

from django.db import migrations


def forwards(apps, schema_editor):
    """Carry the old approval flag over to the status."""
    reviews = apps.get_model("reviews", "Review").objects.using(schema_editor.connection.alias)
    reviews.filter(approved=True).update(status="approved")


def backwards(apps, schema_editor):
    reviews = apps.get_model("reviews", "Review").objects.using(schema_editor.connection.alias)
    reviews.filter(status="approved").update(approved=True)


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0004_add_review_status"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

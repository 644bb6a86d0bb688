import secrets

from django.db import migrations


def forwards(apps, schema_editor):
    """Give every wish list its own token before tokens become unique."""
    Wishlist = apps.get_model("cart", "Wishlist")
    for wishlist in Wishlist.objects.using(schema_editor.connection.alias).filter(share_token=""):
        wishlist.share_token = secrets.token_urlsafe(16)
        wishlist.save(update_fields=["share_token"])


def backwards(apps, schema_editor):
    Wishlist = apps.get_model("cart", "Wishlist")
    Wishlist.objects.using(schema_editor.connection.alias).update(share_token="")


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0007_add_wishlist_share_token"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

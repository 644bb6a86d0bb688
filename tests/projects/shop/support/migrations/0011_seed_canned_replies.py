from django.db import migrations

REPLIES = [
    ("Thank you", "Dear {name}, thank you for your message about {subject}."),
    ("Parcel delayed", "Dear {name}, your parcel is late; we have asked the carrier."),
    ("Refund sent", "Dear {name}, we have sent you {amount}."),
]


def forwards(apps, schema_editor):
    """Create the replies that agents use most."""
    CannedReply = apps.get_model("support", "CannedReply")
    rows = CannedReply.objects.using(schema_editor.connection.alias)
    for title, body in REPLIES:
        rows.update_or_create(title=title, defaults={"body": body})


def backwards(apps, schema_editor):
    CannedReply = apps.get_model("support", "CannedReply")
    codes = [row[0] for row in REPLIES]
    CannedReply.objects.using(schema_editor.connection.alias).filter(title__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0010_alter_canned_reply_options"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

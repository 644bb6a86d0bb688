from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0005_link_ticket_to_order"),
    ]

    operations = [
        migrations.RenameModel("ReplyTemplate", "CannedReply"),
    ]

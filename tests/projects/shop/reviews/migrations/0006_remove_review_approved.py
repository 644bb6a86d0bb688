from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0005_copy_approval_to_status"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="review",
            name="approved",
        ),
    ]

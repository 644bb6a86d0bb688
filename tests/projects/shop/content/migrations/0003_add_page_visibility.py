from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0002_add_attachments"),
    ]

    operations = [
        migrations.AddField(
            model_name="page",
            name="is_public",
            field=models.BooleanField(default=True),
        ),
    ]

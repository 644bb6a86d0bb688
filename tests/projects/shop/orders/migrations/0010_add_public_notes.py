from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0009_add_order_extra"),
    ]

    operations = [
        migrations.AddField(
            model_name="ordernote",
            name="is_public",
            field=models.BooleanField(default=False),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0009_add_capture_time_and_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="giftcard",
            name="expires_on",
            field=models.DateField(blank=True, null=True),
        ),
    ]

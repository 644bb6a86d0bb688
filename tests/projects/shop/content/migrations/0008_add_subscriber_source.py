from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0007_add_related_products"),
    ]

    operations = [
        migrations.AddField(
            model_name="newslettersubscriber",
            name="source",
            field=models.CharField(blank=True, max_length=40),
        ),
    ]

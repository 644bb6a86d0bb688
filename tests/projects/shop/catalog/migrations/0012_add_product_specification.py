from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0011_merge_weight_and_barcode"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="specification",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

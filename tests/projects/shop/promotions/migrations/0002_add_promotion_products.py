from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_add_product_status"),
        ("promotions", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="promotion",
            name="products",
            field=models.ManyToManyField(
                blank=True, related_name="promotions", to="catalog.product"
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_rename_product_description"),
        ("content", "0006_add_content_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="blogpost",
            name="related_products",
            field=models.ManyToManyField(blank=True, related_name="posts", to="catalog.product"),
        ),
    ]

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0012_add_product_specification"),
    ]

    operations = [
        migrations.CreateModel(
            name="DigitalProduct",
            fields=[
                (
                    "product_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="catalog.product",
                    ),
                ),
                ("file_name", models.CharField(max_length=200)),
                ("download_limit", models.PositiveIntegerField(default=5)),
            ],
            options={
                "abstract": False,
            },
            bases=("catalog.product",),
        ),
    ]

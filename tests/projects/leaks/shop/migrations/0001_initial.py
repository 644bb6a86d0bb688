from django.db import migrations, models

KEY = {"auto_created": True, "primary_key": True, "serialize": False, "verbose_name": "ID"}


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(**KEY)),
                ("name", models.CharField(max_length=100)),
                ("price", models.IntegerField(default=10)),
            ],
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(**KEY)),
                ("name", models.CharField(max_length=100)),
            ],
        ),
    ]

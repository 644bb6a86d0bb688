from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0010_add_default_tax_class"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="pricelist",
            options={"ordering": ["-priority", "name"]},
        ),
        migrations.AddField(
            model_name="pricelist",
            name="priority",
            field=models.IntegerField(default=0),
        ),
    ]

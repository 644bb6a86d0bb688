from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0008_add_line_tax_percent"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="extra",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0009_make_share_token_unique"),
    ]

    operations = [
        migrations.AddField(
            model_name="cart",
            name="metadata",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

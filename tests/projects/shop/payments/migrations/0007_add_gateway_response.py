from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0006_add_gift_cards"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="gateway_response",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]

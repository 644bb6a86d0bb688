from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0007_add_gateway_response"),
        ("pricing", "0008_add_currency_decimals"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentmethod",
            name="countries",
            field=models.ManyToManyField(
                blank=True, related_name="payment_methods", to="pricing.country"
            ),
        ),
    ]

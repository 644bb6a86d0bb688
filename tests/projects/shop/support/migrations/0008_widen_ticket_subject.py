from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0007_add_ticket_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ticket",
            name="subject",
            field=models.CharField(max_length=200),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0006_rename_canned_reply"),
    ]

    operations = [
        migrations.CreateModel(
            name="TicketLabel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, unique=True)),
            ],
        ),
        migrations.AddField(
            model_name="ticket",
            name="labels",
            field=models.ManyToManyField(
                blank=True, related_name="tickets", to="support.ticketlabel"
            ),
        ),
    ]

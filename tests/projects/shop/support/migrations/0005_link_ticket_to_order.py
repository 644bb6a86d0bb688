import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0005_rename_order_placed_at"),
        ("support", "0004_add_department_agents"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="order",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="tickets",
                to="orders.order",
            ),
        ),
    ]

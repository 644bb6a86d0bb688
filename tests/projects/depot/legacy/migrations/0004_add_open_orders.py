from django.db import migrations, models

FORWARDS = """
    CREATE VIEW legacy_open_orders AS
    SELECT o.id, c.name
    FROM legacy_order o
    JOIN legacy_customer c ON c.id = o.customer_id
    JOIN legacy_status s ON s.id = o.status_id
    WHERE s.is_open
"""


class Migration(migrations.Migration):
    dependencies = [("legacy", "0003_add_open_statuses")]

    operations = [
        migrations.RunSQL(
            FORWARDS,
            "DROP VIEW legacy_open_orders",
            state_operations=[
                migrations.CreateModel(
                    name="OpenOrder",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("name", models.CharField(max_length=60)),
                    ],
                    options={"db_table": "legacy_open_orders", "managed": False},
                ),
            ],
        )
    ]

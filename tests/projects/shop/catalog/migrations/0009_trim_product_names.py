from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0008_add_price_constraints"),
    ]

    operations = [
        migrations.RunSQL(
            sql="UPDATE catalog_product SET name = TRIM(name)",
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]

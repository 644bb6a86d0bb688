from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auditing", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="object_id",
            field=models.CharField(max_length=64),
        ),
    ]

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("auditing", "0004_add_target_index"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="auditentry",
            options={"ordering": ["-at", "-id"], "verbose_name_plural": "audit entries"},
        ),
    ]

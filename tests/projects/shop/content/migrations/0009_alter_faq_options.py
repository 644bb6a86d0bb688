from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0008_add_subscriber_source"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="faqentry",
            options={"ordering": ["position", "id"], "verbose_name_plural": "FAQ entries"},
        ),
    ]

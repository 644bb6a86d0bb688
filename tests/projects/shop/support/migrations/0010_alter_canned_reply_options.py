from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0009_add_closed_at_and_index"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="cannedreply",
            options={"ordering": ["title"], "verbose_name_plural": "canned replies"},
        ),
    ]

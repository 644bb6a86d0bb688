from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0003_add_department_email"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="department",
            name="agents",
            field=models.ManyToManyField(
                blank=True, related_name="departments", to=settings.AUTH_USER_MODEL
            ),
        ),
    ]

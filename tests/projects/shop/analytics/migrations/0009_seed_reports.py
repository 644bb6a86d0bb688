from django.db import migrations

REPORTS = {
    "daily-sales": ("Daily sales", {"group_by": "day"}),
    "top-products": ("Top products", {"limit": 10}),
    "searches": ("Searches without result", {"results": 0}),
}


def forwards(apps, schema_editor):
    """Create the reports of the management board."""
    ReportDefinition = apps.get_model("analytics", "ReportDefinition")
    reports = ReportDefinition.objects.using(schema_editor.connection.alias)
    for code, (title, options) in REPORTS.items():
        reports.update_or_create(code=code, defaults={"title": title, "options": options})


def backwards(apps, schema_editor):
    ReportDefinition = apps.get_model("analytics", "ReportDefinition")
    reports = ReportDefinition.objects.using(schema_editor.connection.alias)
    reports.filter(code__in=list(REPORTS)).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0008_add_view_query"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

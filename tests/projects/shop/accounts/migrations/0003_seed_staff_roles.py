from django.db import migrations

ROLES = [
    ("owner", "Owner", 100),
    ("manager", "Manager", 50),
    ("clerk", "Order clerk", 20),
    ("packer", "Packer", 10),
    ("writer", "Content writer", 10),
]


def forwards(apps, schema_editor):
    """Create the roles of the back-office staff."""
    StaffRole = apps.get_model("accounts", "StaffRole")
    rows = StaffRole.objects.using(schema_editor.connection.alias)
    for code, name, rank in ROLES:
        rows.update_or_create(code=code, defaults={"name": name, "rank": rank})


def backwards(apps, schema_editor):
    StaffRole = apps.get_model("accounts", "StaffRole")
    codes = [row[0] for row in ROLES]
    StaffRole.objects.using(schema_editor.connection.alias).filter(code__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_add_staff_roles"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

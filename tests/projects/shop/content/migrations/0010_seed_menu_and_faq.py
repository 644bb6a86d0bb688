from django.db import migrations

MENU = [
    ("imprint", "Imprint"),
    ("terms", "Terms"),
    ("privacy", "Privacy"),
    ("delivery", "Delivery"),
]
QUESTIONS = [
    ("How long does delivery take?", "Two to four working days."),
    ("Can I return an article?", "Yes, within thirty days."),
]


def forwards(apps, schema_editor):
    """Create the footer menu and the first frequently asked questions."""
    alias = schema_editor.connection.alias
    Page = apps.get_model("content", "Page")
    MenuItem = apps.get_model("content", "MenuItem")
    FaqEntry = apps.get_model("content", "FaqEntry")
    pages = {page.slug: page for page in Page.objects.using(alias).all()}
    for position, (slug, label) in enumerate(MENU):
        MenuItem.objects.using(alias).create(page=pages[slug], label=label, position=position)
    for position, (question, answer) in enumerate(QUESTIONS):
        FaqEntry.objects.using(alias).create(question=question, answer=answer, position=position)


def backwards(apps, schema_editor):
    alias = schema_editor.connection.alias
    labels = [row[1] for row in MENU]
    questions = [row[0] for row in QUESTIONS]
    apps.get_model("content", "MenuItem").objects.using(alias).filter(label__in=labels).delete()
    apps.get_model("content", "FaqEntry").objects.using(alias).filter(
        question__in=questions
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0009_alter_faq_options"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]

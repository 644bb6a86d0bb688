"""What people ask about templates, and how they get rid of them."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import docker
import pytest
from harness.projects import environment, run
from harness.tampering import WRONG_LABEL, change_database, rebuild_with, template_of

TEST = "library.test_outcomes.Writing"
DAY = 24 * 3600

SEEDING = """
from django.db import migrations
from library.seeds import Seeds

def add(apps, schema_editor):
    for name in Seeds.names:
        apps.get_model("library", "Author").objects.create(name=name)

class Migration(migrations.Migration):
    dependencies = [("library", {!r})]
    operations = [migrations.RunPython(add)]
"""


@pytest.fixture
def sqlite(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})


@pytest.fixture
def postgresql(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "cache", {"OUTCOMES_DB": "postgresql", "OUTCOMES_DB_PORT": "1"})


def test_explain_says_hit_or_miss_and_what_has_changed(
    project: Path, sqlite: dict[str, str]
) -> None:
    migration = project / "library" / "migrations" / "0002_first_author.py"

    nothing = run(project, "template", "explain", env=sqlite)
    run(project, "template", "build", env=sqlite)
    hit = run(project, "template", "explain", "-v", "2", env=sqlite)
    migration.write_text(migration.read_text() + "\n# edited\n")
    miss = run(project, "template", "explain", env=sqlite)

    assert "miss: there is no earlier template of this project -> full build" in nothing.output
    assert "hit: built " in hit.output
    assert "  migration library.0002_first_author" in hit.output
    assert "miss: edited: library.0002_first_author -> full build" in miss.output
    assert "    ~ migration library.0002_first_author" in miss.output


def test_verify_finds_what_a_template_lacks_and_says_no_by_its_exit_code(
    project: Path, sqlite: dict[str, str], tmp_path: Path
) -> None:
    missing = run(project, "template", "verify", env=sqlite)
    run(project, "template", "build", env=sqlite)
    good = run(project, "template", "verify", env=sqlite)
    change_database(
        template_of(tmp_path / "cache"),
        "DELETE FROM django_migrations WHERE name = '0002_first_author'",
    )
    bad = run(project, "template", "verify", env=sqlite)

    assert (missing.code, good.code, bad.code) == (1, 0, 1)
    assert "It does not exist" in missing.output
    assert "Its databases match its labels, and every migration is applied." in good.output
    assert "Its database default lacks library.0002_first_author." in bad.output
    assert "catalogs differ from the recorded ones" in bad.output


def test_under_ci_a_template_that_is_not_what_it_says_is_refused_and_rebuilt(
    project: Path, sqlite: dict[str, str], tmp_path: Path
) -> None:
    run(project, TEST, env=sqlite)
    change_database(template_of(tmp_path / "cache"), "CREATE TABLE somebody_was_here (id INTEGER)")

    elsewhere = run(project, TEST, env=sqlite)
    under_ci = run(project, TEST, env={**sqlite, "CI": "true"})
    again = run(project, TEST, env={**sqlite, "CI": "true"})

    assert "Using the template" in elsewhere.output
    assert "is not used: Its databases' catalogs differ from the recorded" in under_ci.output
    assert "from scratch (the existing template was rejected)" in under_ci.output
    assert under_ci.code == 0
    assert "Using the template" in again.output


def test_what_is_built_after_a_refused_template_is_recorded_as_always(
    project: Path, sqlite: dict[str, str], tmp_path: Path
) -> None:
    (project / "library" / "seeds.py").write_text('class Seeds:\n    names = ["Ursula"]\n')
    (project / "library" / "migrations" / "0098_seeds.py").write_text(SEEDING.format(last(project)))
    under_ci = {**sqlite, "CI": "true"}
    run(project, "template", "build", env=under_ci)
    before = template_of(tmp_path / "cache")
    change_database(template_of(tmp_path / "cache"), "CREATE TABLE somebody_was_here (id INTEGER)")

    rebuilt = run(project, "template", "build", env=under_ci)

    assert "the existing template was rejected" in rebuilt.output
    # Another list of what was used would be another fingerprint.
    assert template_of(tmp_path / "cache") == before


@pytest.mark.usefixtures("no_container_is_left", "has_template")
def test_a_server_s_template_is_looked_into_as_well(
    project: Path, postgresql: dict[str, str], project_name: str, engine: docker.DockerClient
) -> None:
    options = ["--project", project_name]
    good = run(project, "template", "verify", *options, env=postgresql)
    rebuild_with(engine, project_name, WRONG_LABEL)

    bad = run(project, "template", "verify", *options, env=postgresql)
    rebuilt = run(project, TEST, *options, "--verify-templates", env=postgresql)
    healed = run(project, "template", "verify", *options, env=postgresql)

    assert (good.code, bad.code, rebuilt.code, healed.code) == (0, 1, 0, 0)
    assert "Built the template" in rebuilt.output


@pytest.mark.usefixtures("no_container_is_left", "has_template")
def test_a_template_whose_server_does_not_start_is_refused_and_rebuilt(
    project: Path, postgresql: dict[str, str], project_name: str, engine: docker.DockerClient
) -> None:
    options = [TEST, "--project", project_name, "--verify-templates"]
    rebuild_with(engine, project_name, 'ENTRYPOINT ["/bin/false"]')

    rebuilt = run(project, *options, env=postgresql)

    assert "is not used: Its server does not start" in rebuilt.output
    assert "from scratch (the existing template was rejected)" in rebuilt.output
    assert (rebuilt.code, "Built the template" in rebuilt.output) == (0, True)


@pytest.mark.usefixtures("no_container_is_left", "has_template")
def test_the_difference_of_two_templates_is_told_in_words(
    project: Path, postgresql: dict[str, str], project_name: str
) -> None:
    options = ["--project", project_name]
    earlier = run(project, "template", "list", "--json", *options, env=postgresql)
    (project / "library" / "migrations" / "0099_age.py").write_text(
        "from django.db import migrations, models\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = [('library', {last(project)!r})]\n"
        "    operations = [\n"
        "        migrations.AddField('author', 'age', models.IntegerField(null=True)),\n"
        "    ]\n"
    )
    run(project, "template", "build", *options, env=postgresql)
    listed = run(project, "template", "list", "--json", *options, env=postgresql)
    (before,) = {one["fingerprint"] for one in json.loads(earlier.output)}
    (after,) = {one["fingerprint"] for one in json.loads(listed.output)} - {before}

    diff = run(project, "template", "diff", before[:20], after[:20], *options, env=postgresql)
    same = run(project, "template", "diff", before, before, *options, env=postgresql)

    assert "+ test_outcomes: column public.library_author.age: " in diff.output
    assert "+ test_outcomes: migration library.0099_age: applied" in diff.output
    assert "2 differences between" in diff.output
    assert "0 differences between" in same.output


def last(project: Path) -> str:
    return max(file.stem for file in (project / "library" / "migrations").glob("0*.py"))


def test_a_template_that_is_named_wrongly_is_refused(project: Path, sqlite: dict[str, str]) -> None:
    run(project, "template", "build", env=sqlite)

    done = run(project, "template", "diff", "zzz", "zzz", env=sqlite)

    assert done.code == 2
    assert "'zzz' matches no template." in done.output
    assert f"Existing templates: {project.name}/sqlite:" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_pruning_leaves_what_is_used_last_and_what_a_container_uses(
    project: Path, postgresql: dict[str, str], project_name: str, engine: docker.DockerClient
) -> None:
    options = ["--project", project_name]
    migration = project / "library" / "migrations" / "0002_first_author.py"
    text = migration.read_text()
    names: list[str] = []
    for number in range(3):
        migration.write_text(f"{text}\n# {number}\n")
        run(project, "template", "build", *options, env=postgresql)
        (new,) = names_of(engine, project_name) - set(names)
        names.append(new)
        time.sleep(1.1)  # Images know when they were made to the second.
    used = engine.containers.create(names[0])
    foreign = f"localhost/ctest/{project_name}/postgresql:foreign"
    engine.images.get(names[1]).tag(foreign)

    plan = run(project, "template", "prune", *options, "--count=1", "--dry-run", env=postgresql)
    there = {
        tag for one in engine.images.list(f"localhost/ctest/{project_name}/*") for tag in one.tags
    }
    done = run(project, "template", "prune", *options, "--count=1", env=postgresql)
    left = {
        tag for one in engine.images.list(f"localhost/ctest/{project_name}/*") for tag in one.tags
    }
    used.remove()

    assert "2 templates would be removed." in plan.output
    assert there == {*names, foreign}
    assert "which a container uses" in done.output
    assert "1 template was removed." in done.output
    assert left == {names[0], names[2], foreign}


def names_of(engine: docker.DockerClient, project_name: str) -> set[str]:
    found = engine.images.list(f"localhost/ctest/{project_name}/*")
    return {tag for one in found for tag in one.tags}


def test_a_build_gives_up_what_nobody_has_used_for_a_month(
    project: Path, sqlite: dict[str, str], tmp_path: Path
) -> None:
    migration = project / "library" / "migrations" / "0002_first_author.py"
    run(project, "template", "build", env=sqlite)
    old = template_of(tmp_path / "cache").parent
    month_ago = time.time() - 31 * DAY
    notes = (tmp_path / "cache" / "ctest_containers" / "used").iterdir()
    for file in (*old.iterdir(), *notes):
        os.utime(file, (month_ago, month_ago))
    migration.write_text(migration.read_text() + "\n# edited\n")

    used = run(project, TEST, "-v", "2", env=sqlite)

    assert used.code == 0
    assert f"Removed the template {project.name}/sqlite:" in used.output
    assert "not used for 31 days" in used.output
    assert not old.exists()


def test_the_list_says_where_each_template_is_from(project: Path, sqlite: dict[str, str]) -> None:
    env = {**sqlite, "GITHUB_HEAD_REF": "feature/tax"}
    run(project, "template", "build", env=env)

    listed = run(project, "template", "list", env=env)
    empty = run(project, "template", "list", "--project", "another", env=env)

    assert f"{project.name}/sqlite:" in listed.output
    assert "feature/tax" in listed.output
    assert re.search(r"^1 template(,| and \d)", listed.output, re.MULTILINE), listed.output
    assert "0 templates, 0 KiB" in empty.output


def test_unknown_commands_and_values_are_refused(project: Path, sqlite: dict[str, str]) -> None:
    unknown = run(project, "template", "expalin", env=sqlite)
    value = run(project, "template", "prune", "--size", "much", env=sqlite)
    nothing = run(project, "template", "save", env=sqlite)

    assert (unknown.code, value.code, nothing.code) == (2, 2, 2)
    assert "Did you mean explain?" in unknown.output
    assert "'much' must be a size such as 512m or 2g" in value.output
    assert "template save needs a file name." in nothing.output

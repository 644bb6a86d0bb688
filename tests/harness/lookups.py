"""What it costs to look up a template with many inputs: `python -m harness.lookups`."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.histories import History

MIGRATIONS = 500
OF_EACH_KIND = 700
"""How many functions, files and environment variables a migration uses."""

HELPERS = """
import os
from pathlib import Path

FOLDER = Path(__file__).parent / "seed"

{functions}

def use_all():
    for number in range({count}):
        globals()[f"function{{number}}"]()
        (FOLDER / f"{{number}}.csv").read_text()
        os.environ.get(f"SEED_{{number}}")
"""

USE = """
from django.db import migrations
from first.helpers import use_all

class Migration(migrations.Migration):
    dependencies = [("first", "{last}")]
    operations = [migrations.RunPython(lambda apps, schema_editor: use_all())]
"""


def main() -> int:
    """Build on SQLite, look it up several times, and print the medians."""
    with TemporaryDirectory() as name:
        os.environ.update(
            XDG_CACHE_HOME=str(Path(name) / "cache"),
            DJANGO_SETTINGS_MODULE="settings",
            WITHOUT_LAYERS="1",
        )
        project = Path(name) / "project"
        _write(project)
        os.chdir(project)
        sys.path.insert(0, str(project))
        _measure()
    return 0


def _write(project: Path) -> None:
    history = History(project)
    for number in range(MIGRATIONS):
        history.add((number, 1 if number % 7 else 0, number, number))
    app = project / "first"
    last = max(file.stem for file in (app / "migrations").glob("[0-9]*.py"))
    (app / "migrations" / "9999_use.py").write_text(USE.format(last=last))
    functions = (f"def function{number}(): return {number}" for number in range(OF_EACH_KIND))
    (app / "helpers.py").write_text(
        HELPERS.format(functions="\n".join(functions), count=OF_EACH_KIND)
    )
    (app / "seed").mkdir()
    for number in range(OF_EACH_KIND):
        (app / "seed" / f"{number}.csv").write_text(f"{number};row")


def _measure() -> None:
    import django

    from ctest_containers import Template
    from ctest_containers.template.stored import from_files

    django.setup()
    seconds = []
    for _ in range(8):
        begun = time.perf_counter()
        with Template.ensure(project="lookups"):
            seconds.append(time.perf_counter() - begun)
    kept = from_files(Path(os.environ["XDG_CACHE_HOME"]) / "ctest_containers")
    (template,) = (one for one in kept if not one.is_layer)
    recorded = template.manifest.count('":')
    assert recorded >= 3 * OF_EACH_KIND, recorded
    built, first, *later = (1000 * one for one in seconds)
    median = statistics.median(later)
    print(
        f"{MIGRATIONS} migrations and {3 * OF_EACH_KIND} recorded inputs: "
        f"built in {built:.0f} ms, then looked up in {first:.0f} ms, and again in {median:.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())

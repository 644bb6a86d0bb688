"""The projects that are changed: the example project, and public packages with their tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]

IGNORED: Final = ("__pycache__", "*.sqlite3", "docs", "build", "*.egg-info", "cache", "media")

READ: Final = (".py", ".html", ".json", ".csv", ".tsv", ".xml", ".yaml", ".txt", ".ldif", ".vcf")

COMMON: Final = ("Django~=5.2.0", "setuptools<81", "wheel", "freezegun", "hatchling", "hatch-vcs")
"""What is installed for all packages, in one environment."""

ON_SQLITE: Final = """\
from {settings} import *

DATABASES = {{
    alias: {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}} for alias in DATABASES
}}
# Otherwise most of the tests' time goes into passwords.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Some make one at random whenever they are loaded, which is a change for each test that reads it.
SECRET_KEY = "mutants"
"""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A project whose tests Django's runner runs.

    Attributes:
        name: Its name; that of a package on the Python Package Index is its distribution's.
        settings: The module with its settings.
        search: Folders for `sys.path`, relative to that of the project.
        labels: Which tests.
        code: The folders with what is changed.
        needs: What else is installed; None for a sample project, which needs no environment.
    """

    name: str
    settings: str
    search: Sequence[str] = (".",)
    labels: Sequence[str] = ()
    code: Sequence[str] = (".",)
    needs: Sequence[str] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings_path(self) -> str:
        """The path of the settings that are changed."""
        folder = "" if self.search[-1] == "." else f"{self.search[-1]}/"
        return f"{folder}{self.settings.replace('.', '/')}.py"

    def contents(self, folder: Path) -> dict[str, bytes]:
        """The files that may be changed, by their paths relative to the project's folder."""
        contents = {}
        for part in self.code:
            for file in sorted((folder / part).rglob("*")):
                if file.suffix in READ and file.is_file() and file.name != "requirements.txt":
                    with suppress(UnicodeDecodeError):
                        content = file.read_bytes()
                        content.decode()
                        contents[str(file.relative_to(folder))] = content
        return contents

    def environment(self, folder: Path, cache: Path) -> dict[str, str]:
        """The variables of a run in a copy of the project."""
        search = [str(folder / part) for part in self.search] + [str(ROOT / "tests"), str(ROOT)]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(search),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": self.settings if self.needs is None else "mutants_settings",
            "XDG_CACHE_HOME": str(cache),
            **self.variables,
        }


SUBJECTS: Final = (
    Subject(name="reach", settings="project.settings"),
    Subject(name="shop", settings="shop.settings"),
    Subject(
        name="django-newsletter",
        settings="test_project.settings",
        search=[".", "test_project"],
        labels=["tests"],
        code=["newsletter", "tests", "test_project"],
        needs=[
            *("pillow", "sorl-thumbnail", "chardet", "django-tinymce", "unicodecsv", "ldif"),
            *("python-card-me", "django-webtest", "pytz"),
        ],
    ),
    Subject(
        name="django-reversion",
        settings="test_project.settings",
        search=[".", "tests"],
        labels=["test_app"],
        code=["reversion", "tests"],
        needs=["psycopg2-binary", "mysqlclient"],
    ),
    Subject(
        name="django-import-export",
        settings="settings",
        search=[".", "tests"],
        labels=["core"],
        code=["import_export", "tests"],
        needs=[
            *("tablib[all]", "chardet", "pytz", "memory_profiler", "django-extensions"),
            *("diff-match-patch", "psycopg2-binary"),
        ],
    ),
)


def prepared(subject: Subject, folder: Path) -> tuple[Path, Path]:
    """The project's unchanged files below a folder, and the interpreter that runs its tests."""
    pristine = folder / "pristine" / subject.name
    if subject.needs is None:
        if not pristine.exists():
            sample = ROOT / "tests" / "projects" / subject.name
            shutil.copytree(sample, pristine, ignore=shutil.ignore_patterns(*IGNORED))
        return pristine, Path(sys.executable)
    python = folder / "venv" / "bin" / "python"

    def pip(*arguments: str) -> None:
        command = [str(python), "-m", "pip", "-q", "--disable-pip-version-check", *arguments]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)

    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        pip("install", *COMMON, "-e", str(ROOT))
    if not pristine.exists():
        pip("install", *subject.needs)
        downloads = folder / "downloads" / subject.name
        wanted = ["--no-binary", subject.name, "--no-deps", subject.name, "-d", str(downloads)]
        pip("download", *wanted)
        (archive,) = downloads.glob("*.tar.gz")
        # Its metadata; its code is that of the copies.
        pip("install", "--no-deps", str(archive))
        with tarfile.open(archive) as packed:
            packed.extractall(downloads, filter="data")
        (top,) = (entry for entry in downloads.iterdir() if entry.is_dir())
        shutil.copytree(top, pristine, ignore=shutil.ignore_patterns(*IGNORED))
        text = ON_SQLITE.format(settings=subject.settings)
        (pristine / "mutants_settings.py").write_text(text)
    return pristine, python

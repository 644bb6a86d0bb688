"""Makes templates other than they say."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import docker

from ctest_containers.engine.labels import CATALOG, ROLE, TEMPLATE

WRONG_LABEL = f"LABEL {CATALOG}={'0' * 64}"
"""What lets a template say of its databases what is not so."""


def rebuild_with(engine: docker.DockerClient, project_name: str, instruction: str) -> None:
    """Replace a project's one template by an image with one more instruction of a Dockerfile."""
    begin, role = f"localhost/ctest/{project_name}/", {"label": f"{ROLE}={TEMPLATE}"}
    (image,) = engine.images.list(f"{begin}*", filters=role)
    (tag,) = (one for one in image.tags if one.startswith(begin))
    recipe = f"FROM {tag}\n{instruction}\n"
    engine.images.build(fileobj=io.BytesIO(recipe.encode()), tag=tag, rm=True)


def template_of(cache: Path) -> Path:
    """The database of the only SQLite template in a cache folder, which may have layers, too."""
    (file,) = (one for one in cache.rglob("*.sqlite3") if "layer-" not in str(one))
    return file


def change_database(file: Path, statement: str) -> None:
    """Execute a statement in a database of SQLite's."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)

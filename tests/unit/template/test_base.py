"""The images that templates start from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ctest_containers.errors import ImageUnavailableError
from ctest_containers.model import Vendor
from ctest_containers.template import base
from ctest_containers.template.base import BaseImage, base_image


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder `images` in place of the real one, and the folder of PostgreSQL."""
    folder = tmp_path / "images"
    shutil.copytree(base._images(), folder)
    monkeypatch.setattr(base, "_images", lambda: folder)
    return folder / "postgresql"


def _edit(folder: Path) -> None:
    file = folder / "postgresql.conf"
    file.write_text(file.read_text() + "\n# edited\n")


def _add(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "file").write_text("")


def _rename(folder: Path) -> None:
    (folder / "postgresql.conf").rename(folder / "other.conf")


def _remove(folder: Path) -> None:
    (folder / "postgresql.conf").unlink()


def test_an_image_that_the_user_names_is_taken_as_it_is() -> None:
    assert base_image("postgresql", "postgres:16") == BaseImage(name="postgres:16")


def test_an_own_image_of_another_server_of_the_vendor_is_named_by_its_folder() -> None:
    assert base_image("mysql", "mariadb").name.startswith("localhost/ctest/base/mariadb:")
    assert base_image("mysql", "") == base_image(Vendor("mysql"), "mysql")
    assert base_image("postgresql", "mariadb") == BaseImage(name="mariadb")


def test_the_own_image_is_named_by_the_content_of_its_folder() -> None:
    image = base_image("postgresql", "")

    assert image.name == f"localhost/ctest/base/postgresql:{image.context[:16]}"
    assert image.folder is not None
    assert (image.folder / "Dockerfile").is_file()


@pytest.mark.parametrize("change", [_edit, _add, _rename, _remove])
def test_any_change_in_the_folder_changes_the_name(
    images: Path, change: Callable[[Path], None]
) -> None:
    before = base_image("postgresql", "")

    change(images)

    after = base_image("postgresql", "")
    assert before.context != after.context
    assert before.name != after.name


def test_the_place_and_the_line_ends_of_the_folder_do_not_matter(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in images.iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    copied = base_image("postgresql", "")

    monkeypatch.undo()

    assert base_image("postgresql", "").context == copied.context


def test_the_folder_of_another_vendor_does_not_matter(images: Path) -> None:
    before = base_image("postgresql", "")

    (images.parent / "other").mkdir()
    (images.parent / "other" / "Dockerfile").write_text("FROM scratch\n")

    assert before == base_image("postgresql", "")


def test_a_package_without_its_images_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "__file__", str(tmp_path / "package" / "template" / "base.py"))

    with pytest.raises(ImageUnavailableError, match="are missing"):
        base_image("postgresql", "")

"""The documentation builds without a warning, its links resolve, and its lines are wrapped."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from harness.golden import LOG
from harness.pictures import live_view
from harness.reference import GENERATED, generated_part

from ctest_containers import errors
from ctest_containers.history.store import read

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TEXTS = [*(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING"))]
TEXTS += sorted(DOCS.glob("*.md"))
NAMES = [file.relative_to(ROOT).as_posix() for file in TEXTS]

WIDTH = 100
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


class Page(HTMLParser):
    """The anchors of an HTML page, and what it links to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        values = dict(attrs)
        self.anchors.add(values.get("id") or "")
        for name in ("href", "src"):
            if value := values.get(name):
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning of Sphinx's is an error."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run(
        [*command, "--doctree-dir", target / "doctrees", DOCS, target / "html"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    return target / "html"


def test_every_page_is_built_and_every_link_of_the_site_resolves(site: Path) -> None:
    pages = {file: Page(file) for file in site.rglob("*.html")}
    assert {f"{file.stem}.html" for file in DOCS.glob("*.md")} <= {file.name for file in pages}

    broken = [
        f"{file.name} links to {link}"
        for file, page in pages.items()
        for link in page.links
        if not _resolves(file, link, pages)
    ]

    assert broken == []


def _resolves(file: Path, link: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or link in {"#", ""}:
        return True
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_file():
        return False
    return (
        target not in pages
        or not parts.fragment
        or unquote(parts.fragment) in (pages[target].anchors)
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_to_a_file_and_a_heading(name: str) -> None:
    text = (ROOT / name).read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", FENCE.sub("", text))

    for file, heading in links:
        target = ((ROOT / name).parent / file).resolve() if file else ROOT / name
        assert target.is_file(), f"{name} links to {file}"
        headings = re.findall(r"^#+ (.*)$", target.read_text() if heading else "", re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}
        assert not heading or heading in anchors, f"{name} links to {file}#{heading}"


@pytest.mark.parametrize("name", NAMES)
def test_every_external_link_is_well_formed(name: str) -> None:
    for link in re.findall(r"\]\((https?:[^)]*)\)|<(https?:[^>]*)>", (ROOT / name).read_text()):
        parts = urlsplit("".join(link))
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]+", parts.netloc), link
        assert re.fullmatch(r"[\w/.~%+@-]*", parts.path), link
        assert parts.scheme == "https", link


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_wrapped(name: str) -> None:
    lines = _prose((ROOT / name).read_text())

    long = [line for line in lines if len(re.sub(r"\]\(https:[^)]*\)", "]", line)) > WIDTH]

    assert long == []


def _prose(text: str) -> Iterator[str]:
    """The lines of a page that can be wrapped: neither tables, pictures, nor what is verbatim."""
    for line in FENCE.sub("", text).splitlines():
        if not line.startswith(("|", "![", "    ")):
            yield line


@pytest.mark.parametrize("name", GENERATED)
def test_the_generated_part_of_a_page_is_up_to_date(name: str) -> None:
    made = GENERATED[name]().strip()

    assert generated_part((DOCS / name).read_text()) == made, "run scripts/docs --update"


def test_every_error_is_in_the_reference() -> None:
    listed = re.findall(r"autoexception:: (\w+)", (DOCS / "python-api.md").read_text())

    assert {*listed} == {*errors.EXPECTED, "CtestError", "InterruptedRunError"}


def test_the_live_view_is_drawn_from_an_event_log() -> None:
    svg = live_view(read(LOG), 0.5)

    assert svg.count("worker&#160;") == 3
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")

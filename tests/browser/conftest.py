"""A real browser, Debian's Chromium; a machine without one gets it, or the tests fail."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
CHROMIUM = "/usr/bin/chromium"
MILLISECONDS = 20_000
"""What a busy machine may take for what is expected of a page."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    subprocess.run([SCRIPTS / "packages", "chromium"], check=True)
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must neither complain nor ask anybody for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    found.on("console", lambda message: complaints.append(message.text))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("request", lambda request: requests.append(request.url))

    yield found

    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith("file:")] == []

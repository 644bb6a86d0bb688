"""How Sphinx builds the documentation; `scripts/docs` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The checkout, and not a copy that may be installed beside it.
sys.path.insert(0, str(ROOT))

from ctest_containers.version import __version__  # noqa: E402  # It must come from the checkout.

project = "ctest_containers"
release = version = __version__
project_copyright = "the authors of ctest_containers"
language = "en"
# Options begin with two hyphens, also where they are not marked as code.
smartquotes = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]
# Docstrings write names in single backticks.
default_role = "code"

nitpicky = True
nitpick_ignore_regex = [
    # The standard library and Django are documented elsewhere, and parts of the toolkit nowhere.
    ("py:.*", r"(argparse|collections|contextlib|django|enum|pathlib|typing|unittest)\..*"),
    ("py:.*", r"ctest_containers\.(config|events|limits|model|session|template)\..*"),
    ("py:.*", r"(Decorated|DiscoverRunner|Path|Self|optional)"),
    # Docstrings name errors without their module.
    ("py:exc", r"\w+Error|SystemExit"),
    ("py:class", r"(bool|dict|float|int|list|str|tuple|type|Any|Event|Lease|RunDatabases)"),
]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_use_ivar = True

# The anchors that GitHub gives to headings.
myst_heading_anchors = 4
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "ctest_containers"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

# OWNER stands for an account that the reader chooses.
linkcheck_ignore = [r"https://github\.com/OWNER/.*"]
linkcheck_timeout = 20
linkcheck_retries = 2
# GitHub makes the anchors of its pages in the browser.
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]

"""The page of a run: one HTML file that shows all of it and loads nothing from anywhere."""

from ctest_containers.report.page.document import render
from ctest_containers.report.page.format import PageFormat

__all__ = ["PageFormat", "render"]

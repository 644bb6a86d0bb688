"""`run`: runs the tests of the project in the current folder."""

from typing import Final

from ctest_containers.cli.project_command import ProjectCommand

COMMAND: Final = ProjectCommand(
    name="run",
    examples=(
        ("shop.tests.CartTests", "Run one class; or name a module, a package or a method."),
        ("--parallel 4 --failfast", "Run in 4 workers, and stop at the first failure."),
        ("-k price --tag fast", "Run tests with price in their name and the tag fast."),
        ("--stress 100 shop.tests", "Run tests 100 times, to find flaky ones."),
        ("--junit junit.xml --html report.html", "Write reports."),
        ("--postgresql-image postgis/postgis:17-3.5", "Run on another image."),
    ),
).register()

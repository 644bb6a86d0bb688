"""A vendor of a module outside the package has templates, servers, workers and resets."""

from __future__ import annotations

import os
from pathlib import Path

import docker
from harness.projects import TESTS, environment, run, write_tests

BODY = """
    class AuthorTests(TestCase):
        def test_a_row_is_there(self):
            Author.objects.create(name="x")
            self.assertEqual(connection.vendor, "toy")

    class FlushingTests(TransactionTestCase):
        def test_a_name_that_is_unique_is_free(self):
            Author.objects.create(name="x")

        def test_it_is_free_again(self):
            Author.objects.create(name="x")
"""


def test_a_project_on_a_registered_vendor_succeeds(
    project: Path, cache: Path, project_name: str, engine: docker.DockerClient
) -> None:
    (cache / "sitecustomize.py").write_text("import harness.toy_vendor\n")
    search = os.pathsep.join([str(cache), str(TESTS.parent), str(TESTS)])
    env = environment(cache, {"OUTCOMES_DB": "postgresql", "PYTHONPATH": search})
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write('\nDATABASES["default"]["ENGINE"] = "harness.toy_vendor"\n')
    write_tests(project, BODY)
    options = ["--project", project_name, "--max-workers", "1", "--reset", "compare"]

    done = run(project, *options, env=env, forked=False)

    assert done.code == 0, done.output
    assert "Ran 3 tests" in done.output
    (image,) = engine.images.list(f"localhost/ctest/{project_name}/toy")
    assert image.tags

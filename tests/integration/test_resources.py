"""A resource that is no database reaches workers without the pool, the wire or them knowing it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from harness.projects import run, write_tests

RUNNER = dedent(
    '''
    """A runner whose workers each get a folder for mails, prepared once."""

    import os
    from pathlib import Path

    from ctest_containers.model import ServiceLease
    from ctest_containers.runner import ContainerTestRunner


    class Mailbox:
        label = identity = "mail"

        def serves(self, needs):
            return True

        def request(self, server, limits):
            return None

        def check(self, version):
            return ()

        def leases(self, folder, address):
            path = folder / "mails"
            path.mkdir()
            return [
                ServiceLease(
                    name="mail",
                    settings={"EMAIL_FILE_PATH": str(path), "MAIL.folder.path": str(path)},
                    environment={"MAIL_FOLDER": str(path)},
                )
            ]


    class Mail:
        is_prepared = False

        def expected(self, needs):
            return ()

        def prepare(self, needs, offer):
            if not self.is_prepared:
                self.is_prepared = True
                with Path(os.environ["PREPARED"]).open("a") as file:
                    file.write("mail\\n")
                offer(Mailbox(), False)


    class Runner(ContainerTestRunner):
        def resources(self):
            return [Mail()]
    '''
)

TESTS = """
    from django.conf import settings

    class Base:
        def test_alone(self):
            path = settings.EMAIL_FILE_PATH
            self.assertEqual(path, os.environ["MAIL_FOLDER"])
            self.assertEqual(settings.MAIL["folder"], {"path": path, "mode": "private"})
            folder = Path(os.environ["MEET"])
            (folder / type(self).__name__).write_text(path)
            end = time.monotonic() + 20
            while len({file.read_text() for file in folder.iterdir()}) < 2:
                self.assertLess(time.monotonic(), end, "no other worker has another folder")
                time.sleep(0.01)
"""


def test_each_worker_has_its_own_service_in_settings_and_environment(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    (project / "outcomes" / "mail.py").write_text(RUNNER)
    with (project / "outcomes" / "settings.py").open("a") as file:
        file.write('MAIL = {"folder": {"path": "", "mode": "private"}}\n')
    classes = ("SimpleTestCase", "TestCase")
    write_tests(project, TESTS + "".join(f"\n    class Own{n}(Base, {n}): pass\n" for n in classes))
    prepared, meeting = tmp_path / "prepared", tmp_path / "meeting"
    meeting.mkdir()
    env = {**sqlite_env, "PREPARED": str(prepared), "MEET": str(meeting)}

    done = run(project, "--testrunner=outcomes.mail.Runner", "--parallel", "2", env=env)

    assert done.code == 0, done.output
    assert prepared.read_text() == "mail\n"

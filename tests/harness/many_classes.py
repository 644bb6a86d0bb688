"""Tests for the project `outcomes` that last, and leave a witness of each."""

from __future__ import annotations

BASE = """
        class Base(TestCase):
            def check(self):
                with open(os.environ["WITNESS"], "a") as file:
                    file.write(f"{self.id()}\\n")
                time.sleep(0.3)
                self.assertEqual(Author.objects.count(), 1)
                Author.objects.create(name="Own")
"""


def many_classes(count: int) -> str:
    """So many classes of two tests each, for `write_tests`."""
    return BASE + "".join(
        f"""
        class Test{number:02}(Base):
            def test_a(self):
                self.check()

            def test_b(self):
                self.check()
"""
        for number in range(count)
    )

"""Django's own modules in shards: their union is the whole, and none takes much longer."""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ctest_containers.cli import main as command_line
from harness.django_suite import COMBINED, MODULES, RUNNER, SETTINGS, outcomes_of, run_suite, unpack
from harness.servers import VENDORS

MOST_APART: Final = 1.15
"""The longest shard takes at most so many times what the shortest one does."""

RAN: Final = re.compile(r"^Ran (\d+) tests? in ([\d.]+)s$", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Run the whole once, then each shard; print what they took, and give 0 if all is well."""
    parser = argparse.ArgumentParser(prog="scripts/django-shards")
    parser.add_argument("--on", choices=VENDORS, default="postgresql")
    parser.add_argument("--shards", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="of the whole, and of each shard")
    parser.add_argument("--rounds", type=int, default=1, help="of all shards; medians count")
    parser.add_argument("modules", nargs="*", default=MODULES)
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="django-shards-") as name:
        folder = Path(name)
        suite = unpack(folder)
        (suite / "suite_settings.py").write_text(SETTINGS)
        (suite / "combined_runner.py").write_text(RUNNER)
        logs = folder / "logs"
        logs.mkdir()

        def run(**extra: str) -> dict[str, Any]:
            env = {"TEST_TIMINGS_FILE": str(folder / "timings.json"), **extra}
            return run_suite(
                suite,
                options.modules,
                COMBINED,
                options.on,
                "/nowhere",
                env,
                workers=options.workers,
            )

        whole = run()
        _say("whole", whole)
        shards: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for _ in range(options.rounds):
            for number in range(1, options.shards + 1):
                part = f"{number}/{options.shards}"
                log = str(logs / f"{number}.jsonl")
                one = run(CTEST_CONTAINERS_SHARD=part, CTEST_CONTAINERS_EVENT_LOG=log)
                shards[number].append(one)
                _say(f"shard {part}", one)
        merged = command_line(["report", "merge", str(logs), "--junit", str(folder / "junit.xml")])
    united = Counter(one for rounds in shards.values() for one in outcomes_of(rounds[-1]))
    differences = set(united) ^ outcomes_of(whole)
    twice = [one for one, count in united.items() if count > 1]
    took = [statistics.median(_tests_of(one)[1] for one in rounds) for rounds in shards.values()]
    apart = max(took) / min(took)
    sys.stdout.write(
        f"{len(differences)} differences of the union to the whole, {len(twice)} twice; "
        f"merge ended with {merged}; the longest took {apart:.3f} of the shortest\n"
    )
    for test, kind in sorted(differences):
        sys.stdout.write(f"  {kind}: {test}\n")
    return 1 if differences or twice or apart > MOST_APART else 0


def _tests_of(run: dict[str, Any]) -> tuple[int, float]:
    found = RAN.search(run["output"])
    if found is None:
        sys.exit(run["output"][-5000:])
    return int(found[1]), float(found[2])


def _say(name: str, run: dict[str, Any]) -> None:
    count, seconds = _tests_of(run)
    sys.stdout.write(
        f"{name}: {count} tests in {seconds:.1f} s, {run['seconds']:.1f} s in all: "
        f"{dict(Counter(kind for _, kind, _ in run['outcomes']))}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

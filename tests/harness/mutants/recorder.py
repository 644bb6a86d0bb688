"""A test runner that writes how each test ended, by its id."""

from __future__ import annotations

import json
import os
import resource
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.test.runner import DiscoverRunner

from harness.recording import VARIABLE, RecordingResult

CPU_SECONDS = "MUTANTS_CPU_SECONDS"

if limit := os.environ.get(CPU_SECONDS):
    # A mutation may make a loop endless.
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit)))


class OutcomesResult(RecordingResult):
    """Writes the kinds of reports on each test."""

    def _note(self, test: Any, kind: str, detail: str = "") -> None:
        self.recorded.append((getattr(test, "test_case", test).id(), kind, detail))

    def stopTestRun(self) -> None:
        super().stopTestRun()
        outcomes = defaultdict(list)
        for test, kind, _ in sorted(self.recorded):
            outcomes[test].append(kind)
        Path(os.environ[VARIABLE]).write_text(json.dumps(outcomes))


class OutcomesRunner(DiscoverRunner):
    """Django's runner, which records how tests end."""

    def get_resultclass(self) -> type:
        return OutcomesResult

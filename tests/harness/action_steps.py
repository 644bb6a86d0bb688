"""Runs the steps of action.yml as a runner of GitHub Actions does, with the variables that it sets.

Steps with `run` are run for real, in bash with the runner's own options. What the action leaves to
actions of GitHub's, the cache and the artifacts, is kept in folders here: that is not its part.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from harness.action_expressions import as_text, holds, insert
from harness.github_files import as_the_runner_reads

BASH: Final = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""What `shell: bash` means; the path of the script follows."""

STEP_SECONDS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """A step that has been looked at.

    Attributes:
        outcome: `success`, `failure`, `cancelled` or `skipped`.
    """

    name: str
    outcome: str
    output: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRun:
    """A run of the action.

    Attributes:
        conclusion: `success`, `failure` or `cancelled`.
        summary: What the steps have written for the summary of the job.
    """

    steps: Mapping[str, StepRun]
    conclusion: str
    outputs: Mapping[str, str]
    summary: str

    @property
    def ran(self) -> list[str]:
        """The names of the steps that were not skipped, in their order."""
        return [name for name, step in self.steps.items() if step.outcome != "skipped"]

    @property
    def output(self) -> str:
        """What the steps have written, each under its name."""
        steps = self.steps.values()
        return "\n".join(f"## {step.name}: {step.outcome}\n{step.output}" for step in steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A machine that runs jobs of a workflow.

    Attributes:
        action: The checkout of the action.
        workspace: The checkout of the project.
        temp: The folder for temporary files, which is empty when a job begins.
        kept: What outlives the machine: caches and artifacts.
        env: The environment of the steps, before a runner adds to it.
    """

    action: Path
    workspace: Path
    temp: Path
    kept: Path
    env: Mapping[str, str]

    def run(
        self, inputs: Mapping[str, str], *, cancel: Mapping[str, Callable[[], Any]] | None = None
    ) -> ActionRun:
        """Carry out the action's steps.

        Args:
            inputs: What a workflow gives in `with`.
            cancel: For a step's name, what to wait for before the job is cancelled in that step.
        """
        shutil.rmtree(self.temp, ignore_errors=True)
        self.temp.mkdir(parents=True)
        # Artifacts are a workflow run's own, caches are not.
        shutil.rmtree(self.kept / "artifacts", ignore_errors=True)
        job = _Job(self, yaml.safe_load((self.action / "action.yml").read_text()), inputs)
        return job.run(cancel or {})

    @property
    def caches(self) -> list[str]:
        """The keys under which something is kept."""
        return sorted(json.loads(file.read_text())["key"] for file in self.kept.glob("*/about"))

    def artifact(self, name: str) -> list[str]:
        """The files that were uploaded under a name."""
        return sorted(file.name for file in (self.kept / "artifacts" / name).glob("*"))


class _Job:
    """What one job knows: the contexts of expressions, and what steps hand to later ones."""

    def __init__(
        self, runner: Runner, action: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> None:
        self._runner = runner
        self._action = action
        self._status = "success"
        self._steps: dict[str, StepRun] = {}
        self._env: dict[str, str] = {}
        self._paths: list[str] = []
        self.contexts: dict[str, dict[str, str]] = {
            "github": {"job": "tests", "run_id": str(time.time_ns()), "run_attempt": "1"},
            "strategy": {"job-index": "0"},
            "runner": {"os": "Linux", "arch": "X64", "temp": str(runner.temp)},
            "steps": {},
        }
        declared = action["inputs"]
        assert set(inputs) <= set(declared), "an input that the action does not have"
        # Defaults see only what is known before the inputs are.
        defaults = {name: insert(row["default"], self.contexts) for name, row in declared.items()}
        self.contexts["inputs"] = defaults | dict(inputs)

    def run(self, cancel: Mapping[str, Callable[[], Any]]) -> ActionRun:
        assert self._action["runs"]["using"] == "composite"
        for number, step in enumerate(self._action["runs"]["steps"]):
            done = self._step(number, step, cancel.get(step["name"]))
            self._steps[step["name"]] = done
            if "id" in step:
                known = {f"outputs.{name}": value for name, value in done.outputs.items()}
                known |= {"outcome": done.outcome, "conclusion": done.outcome}
                self.contexts["steps"] |= {f"{step['id']}.{k}": v for k, v in known.items()}
            if done.outcome in ("failure", "cancelled") and self._status == "success":
                self._status = done.outcome
        outputs = {
            name: insert(row["value"], self.contexts)
            for name, row in self._action["outputs"].items()
        }
        summary = "".join(file.read_text() for file in sorted(self._runner.temp.glob("summary-*")))
        return ActionRun(
            steps=self._steps, conclusion=self._status, outputs=outputs, summary=summary
        )

    def _step(
        self, number: int, step: Mapping[str, Any], cancel: Callable[[], Any] | None
    ) -> StepRun:
        name = step["name"]
        condition = str(step.get("if", "success()"))
        if not holds(condition, self.contexts, self._status):
            return StepRun(name=name, outcome="skipped")
        if "uses" in step:
            given = {key: self._insert(value) for key, value in step["with"].items()}
            outputs = _stand_in(step["uses"].partition("@")[0])(self._runner.kept, given)
            return StepRun(name=name, outcome="success", outputs=outputs)
        return self._shell(number, step, cancel)

    def _shell(
        self, number: int, step: Mapping[str, Any], cancel: Callable[[], Any] | None
    ) -> StepRun:
        assert step["shell"] == "bash"
        temp = self._runner.temp
        files = {
            kind: temp / f"{kind.lower()}-{number:02}"
            for kind in ("OUTPUT", "ENV", "PATH", "STATE", "SUMMARY")
        }
        for file in files.values():
            file.touch()
        script = temp / f"script-{number:02}.sh"
        script.write_text(self._insert(step["run"]))
        given = {key: self._insert(value) for key, value in step.get("env", {}).items()}
        log = temp / f"log-{number:02}"
        with log.open("w") as out:
            process = subprocess.Popen(
                [*BASH, script],
                cwd=self._runner.workspace / self._insert(step.get("working-directory", ".")),
                env={**self._variables(files), **given},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if cancel is not None:
            cancel()
            # The runner tells the shell alone.
            process.send_signal(signal.SIGINT)
        try:
            code = process.wait(STEP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"{step['name']} hangs:\n{log.read_text()}") from None
        self._env |= as_the_runner_reads(files["ENV"].read_text())
        self._paths = [*reversed(files["PATH"].read_text().split("\n")[:-1]), *self._paths]
        ended = "success" if code == 0 else "failure"
        return StepRun(
            name=step["name"],
            outcome=ended if cancel is None else "cancelled",
            output=log.read_text(errors="replace"),
            outputs=as_the_runner_reads(files["OUTPUT"].read_text()),
        )

    def _variables(self, files: Mapping[str, Path]) -> dict[str, str]:
        runner = self._runner
        env = {
            **runner.env,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(runner.action),
            "GITHUB_ENV": str(files["ENV"]),
            "GITHUB_JOB": self.contexts["github"]["job"],
            "GITHUB_OUTPUT": str(files["OUTPUT"]),
            "GITHUB_PATH": str(files["PATH"]),
            "GITHUB_STATE": str(files["STATE"]),
            "GITHUB_STEP_SUMMARY": str(files["SUMMARY"]),
            "GITHUB_WORKSPACE": str(runner.workspace),
            "RUNNER_ARCH": self.contexts["runner"]["arch"],
            "RUNNER_OS": self.contexts["runner"]["os"],
            "RUNNER_TEMP": str(runner.temp),
            **self._env,
        }
        return {**env, "PATH": os.pathsep.join([*self._paths, env["PATH"]])}

    def _insert(self, text: Any) -> str:
        return insert(str(text), self.contexts, self._status)


def _restore(kept: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The cache whose key is the one wanted, else the newest whose key begins as one may."""
    files = sorted(kept.glob("*/about"), key=lambda file: -file.stat().st_mtime_ns)
    caches = [(file.parent, json.loads(file.read_text())) for file in files]
    for wanted in (given["key"], *given.get("restore-keys", "").split()):
        exact = wanted == given["key"]
        for folder, about in caches:
            key = about["key"]
            same = key == wanted if exact else key.startswith(wanted)
            # GitHub's cache is one of a path, too.
            if same and about["path"] == given["path"]:
                _link(folder / "content", Path(given["path"]))
                return {"cache-matched-key": key, "cache-hit": as_text(key == given["key"])}
    return {}


def _save(kept: Path, given: Mapping[str, str]) -> dict[str, str]:
    """A cache is kept as it was first saved."""
    folder = kept / given["key"]
    assert len(given["key"]) <= 512
    assert "," not in given["key"]
    if not folder.exists():
        folder.mkdir(parents=True)
        _link(Path(given["path"]), folder / "content")
        (folder / "about").write_text(json.dumps({"key": given["key"], "path": given["path"]}))
    return {}


def _link(source: Path, target: Path) -> None:
    """Make a file or folder available under another name, without copying what may be large."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link)
    else:
        target.hardlink_to(source)


def _upload(kept: Path, given: Mapping[str, str]) -> dict[str, str]:
    folder = kept / "artifacts" / given["name"]
    paths = [Path(line.strip()) for line in given["path"].splitlines() if line.strip()]
    assert paths, "upload-artifact needs a path"
    assert given["if-no-files-found"] == "ignore"
    folder.mkdir(parents=True)
    for path in paths:
        if path.exists():
            shutil.copy(path, folder)
    return {}


def _stand_in(action: str) -> Callable[[Path, Mapping[str, str]], dict[str, str]]:
    known = {
        "actions/cache/restore": _restore,
        "actions/cache/save": _save,
        "actions/upload-artifact": _upload,
    }
    return known[action]

"""When a machine is too noisy for figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from harness.bench import noise
from harness.bench.noise import MOST_FOREIGN, MOST_SPREAD, Calibration, NoiseWatch
from harness.bench.trouble import NoisyError


def _looks(seen: Sequence[Calibration]) -> Callable[[], Calibration]:
    found = iter(seen)
    return lambda: next(found)


QUIET = Calibration(0.050, 0.01)
SLOWER = Calibration(0.050 * (1 + MOST_SPREAD + 0.05), 0.01)
BUSY = Calibration(0.050, MOST_FOREIGN + 0.35)


def test_a_quiet_machine_is_accepted() -> None:
    watch = NoiseWatch(look=_looks([QUIET, Calibration(0.052, 0.05)]))

    watch.sample()
    watch.sample()

    assert watch.spread == pytest.approx(0.04)
    assert watch.trouble == ""


def test_a_case_is_refused_in_one_sentence_with_numbers_when_the_same_work_takes_longer() -> None:
    watch = NoiseWatch(look=_looks([QUIET, SLOWER]))
    watch.sample()

    with pytest.raises(NoisyError) as caught:
        watch.sample()

    assert str(caught.value) == (
        "The machine is too noisy: the same work took up to 20% longer than at its quickest "
        "(at most 15% is allowed)."
    )


def test_a_case_is_refused_when_other_processes_take_the_cores() -> None:
    watch = NoiseWatch(look=_looks([BUSY]))

    with pytest.raises(NoisyError, match="other processes took up to 50% of all cores"):
        watch.sample()


def test_a_tolerant_watch_goes_on_and_tells_the_same() -> None:
    watch = NoiseWatch(tolerant=True, look=_looks([QUIET, SLOWER, BUSY]))

    for _ in range(3):
        watch.sample()

    assert watch.trouble.startswith("The machine is too noisy: the same work took up to 20%")
    assert " and other processes took up to 50%" in watch.trouble


def test_a_calibration_is_a_duration_and_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "LOOPS", 2)
    monkeypatch.setattr(noise, "STEPS", 1000)

    found = noise.calibrate()

    assert found.loop_seconds > 0
    assert 0 <= found.foreign_share <= 1

"""Slots: started, leased, given back and made anew, reused, ended; on SQLite, without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from unit.service.made_services import PROJECT, database, notes, sqlite_recipe, up, write_note

from ctest_containers.errors import ServiceError, TemplateError, UsageError
from ctest_containers.service import (
    Recipe,
    ServiceFile,
    Slot,
    SlotState,
    bring_up,
    forget,
    give_back,
    keep,
    reuse,
    take,
    take_down,
)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is told to end."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process


def states(file: ServiceFile) -> list[SlotState]:
    return [slot.state for slot in file.existing().slots]


def again(file: ServiceFile, recipe: Recipe, *, fresh: bool = False) -> Slot | None:
    return reuse(file, 1, project=PROJECT, recipe=recipe, folder=file.path.parent, fresh=fresh)


def test_slots_are_separate(file: ServiceFile, recipe: Recipe) -> None:
    one, other = up(file, recipe, 2).slots

    write_note(one)

    assert (notes(one), notes(other)) == (1, 0)
    assert states(file) == [SlotState.FREE, SlotState.FREE]


def test_what_is_up_stays_when_it_is_started_again(file: ServiceFile, recipe: Recipe) -> None:
    before = up(file, recipe, 2)

    assert up(file, recipe, 2).slots == before.slots


def test_more_slots_are_added_and_surplus_ones_removed(file: ServiceFile, recipe: Recipe) -> None:
    (first,) = up(file, recipe).slots

    more = up(file, recipe, 3).slots
    fewer = up(file, recipe, 2).slots

    assert [slot.number for slot in more] == [1, 2, 3]
    assert (more[0], fewer) == (first, more[:2])
    assert not database(more[2]).exists()


def test_a_slot_whose_database_has_gone_is_made_anew(file: ServiceFile, recipe: Recipe) -> None:
    one, other = up(file, recipe, 2).slots
    database(one).unlink()

    new, same = up(file, recipe, 2).slots

    assert new != one
    assert same == other
    assert not Path(one.folder).exists()


def test_a_slot_of_another_template_is_replaced(
    file: ServiceFile, recipe: Recipe, tmp_path: Path
) -> None:
    (old,) = up(file, recipe).slots

    (new,) = up(file, sqlite_recipe(tmp_path / "later", "e" * 64)).slots

    assert new.recipe != old.recipe
    assert not database(old).exists()


def test_a_leased_slot_of_another_template_is_replaced_when_it_is_given_back(
    file: ServiceFile, recipe: Recipe, tmp_path: Path
) -> None:
    up(file, recipe)
    slot = take(file)
    later = sqlite_recipe(tmp_path / "later", "e" * 64)

    (meanwhile,) = up(file, later).slots
    give_back(file, 1)

    assert meanwhile == slot
    assert file.existing().slots[0].recipe == later


def test_a_leased_surplus_slot_stays_until_it_is_given_back(
    file: ServiceFile, recipe: Recipe
) -> None:
    up(file, recipe, 2)
    take(file)
    second = take(file)

    up(file, recipe, 1)
    meanwhile = len(file.existing().slots)
    give_back(file, second.number)

    assert (meanwhile, len(file.existing().slots)) == (2, 1)
    assert not database(second).exists()


def test_a_slot_that_is_given_back_is_fresh_before_anybody_gets_it(
    file: ServiceFile, recipe: Recipe
) -> None:
    up(file, recipe)
    used = take(file)
    write_note(used)

    give_back(file, used.number)
    fresh = take(file)

    assert notes(fresh) == 0
    assert not Path(used.folder).exists()


def test_a_slot_is_not_given_twice(file: ServiceFile, recipe: Recipe) -> None:
    up(file, recipe)
    take(file)

    with pytest.raises(
        ServiceError, match="No slot of the service 'default' is free: every slot \\(1\\) is leased"
    ):
        take(file, wait_seconds=0.2)


def test_whoever_waits_gets_the_slot_that_is_given_back(file: ServiceFile, recipe: Recipe) -> None:
    up(file, recipe)
    take(file)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(take, file, wait_seconds=20.0)
        give_back(file, 1)

    assert waiting.result().number == 1


def test_a_lease_for_a_process_ends_with_it_and_leaves_nothing_to_the_next(
    file: ServiceFile, recipe: Recipe, other: subprocess.Popen[bytes]
) -> None:
    up(file, recipe)
    used = take(file, holder=other.pid)
    write_note(used)

    other.kill()
    other.wait()
    lapsed = states(file)
    fresh = take(file)

    assert lapsed == [SlotState.LAPSED]
    assert notes(fresh) == 0


def test_a_slot_that_a_dead_process_was_making_is_made_by_the_next_who_wants_it(
    file: ServiceFile, recipe: Recipe
) -> None:
    up(file, recipe)
    text = file.path.read_text()
    fields = json.loads(text)
    # The id of a process that has ended, and the moment at which none has started.
    slot = fields["service"]["slots"][0]
    slot.update(ready=False, maker=f"{_own_label().rpartition('/')[0]}/1")
    file.path.write_text(json.dumps(fields))
    before = states(file)

    taken = take(file)

    assert before == [SlotState.UNMADE]
    assert database(taken).exists()


def test_a_process_that_does_not_exist_cannot_hold_a_lease(
    file: ServiceFile, recipe: Recipe
) -> None:
    up(file, recipe)

    with pytest.raises(UsageError, match="no process with the id 4194999"):
        take(file, holder=4194999)


@pytest.mark.parametrize(("number", "words"), [(1, "Slot 1 is not leased"), (9, "has no slot 9")])
def test_only_what_is_leased_can_be_given_back(
    number: int, words: str, file: ServiceFile, recipe: Recipe
) -> None:
    up(file, recipe)

    with pytest.raises(ServiceError, match=words):
        give_back(file, number)


def test_a_lease_that_has_ended_ends_no_other_one(file: ServiceFile, recipe: Recipe) -> None:
    up(file, recipe)
    first = take(file)
    give_back(file, 1)
    second = take(file)

    give_back(file, 1, first.lease)

    assert file.existing().slots == (second,)


def test_many_processes_never_have_the_same_slot(file: ServiceFile, recipe: Recipe) -> None:
    """Each looks for the mark of another one, in its database and beside it."""
    up(file, recipe, 3)
    program = """
import os, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from unit.service.made_services import PROJECT, notes, write_note
from ctest_containers.service import give_back, service_file, take
file = service_file(PROJECT)
for _ in range(3):
    slot = take(file, holder=os.getpid(), wait_seconds=60)
    mark = Path(slot.folder, "mark")
    mark.touch(exist_ok=False)
    assert notes(slot) == 0
    write_note(slot)
    time.sleep(0.01)
    assert notes(slot) == 1
    if os.getpid() % 3 == 0:
        os._exit(0)
    give_back(file, slot.number, slot.lease)
"""
    root = Path(__file__).parents[3]
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(root / "tests"), str(root)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]

    ends = [(job.communicate(timeout=100)[1], job.returncode) for job in jobs]

    assert ends == [("", 0)] * 8
    assert len(file.existing().slots) == 3


def test_a_template_that_has_gone_is_said_and_the_slot_can_be_had_later(
    file: ServiceFile, recipe: Recipe, tmp_path: Path
) -> None:
    up(file, recipe)
    take(file)
    (tmp_path / "template").rename(tmp_path / "elsewhere")

    with pytest.raises(TemplateError, match="has been removed"):
        give_back(file, 1)
    between = states(file)
    (tmp_path / "elsewhere").rename(tmp_path / "template")

    assert between == [SlotState.UNMADE]
    assert database(take(file)).exists()


def test_an_ended_service_is_gone_with_its_folders(file: ServiceFile, recipe: Recipe) -> None:
    slots = up(file, recipe, 2).slots

    removed = list(take_down(file))

    assert sorted(removed) == sorted(
        [*(f"folder {slot.folder}" for slot in slots), "service default"]
    )
    assert not any(Path(slot.folder).exists() for slot in slots)
    assert list(take_down(file)) == []


def test_a_service_whose_file_cannot_be_read_can_be_ended(
    file: ServiceFile, recipe: Recipe
) -> None:
    (slot,) = up(file, recipe).slots
    file.path.write_text("{")

    with pytest.raises(ServiceError, match="cannot be read"):
        file.existing()
    list(take_down(file))

    assert not Path(slot.folder).exists()
    assert file.read() is None


def test_what_is_reused_has_what_its_last_one_has_left(file: ServiceFile, recipe: Recipe) -> None:
    first = again(file, recipe)
    assert first is not None
    assert first.lease is not None
    write_note(first)
    keep(file, 1, first.lease)

    second = again(file, recipe)

    assert second is not None
    assert notes(second) == 1


def test_what_is_left_for_reuse_is_made_anew_for_everybody_else(
    file: ServiceFile, recipe: Recipe
) -> None:
    slot = again(file, recipe)
    assert slot is not None
    assert slot.lease is not None
    write_note(slot)
    keep(file, 1, slot.lease)
    left = states(file)

    taken = take(file)

    assert left == [SlotState.USED]
    assert notes(taken) == 0


def test_whoever_waits_for_a_maker_that_never_ends_is_told_so_in_the_end(
    file: ServiceFile, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One on another machine, or in another container, cannot be told to be dead."""
    up(file, recipe)
    fields = json.loads(file.path.read_text())
    fields["service"]["slots"][0].update(ready=False, maker="elsewhere/boot/1/2/3")
    file.path.write_text(json.dumps(fields))
    monkeypatch.setattr("ctest_containers.service.slots.ANSWER_SECONDS", 0.2)
    said: list[str] = []

    with pytest.raises(ServiceError, match="run service down, then service up"):
        bring_up(
            file,
            project=PROJECT,
            recipe=replace(recipe, server_timeout_seconds=0.1),
            count=1,
            folder=file.path.parent,
            say=said.append,
        )

    assert said == ["Waiting for another process that is creating slots of this service…"]


def test_what_somebody_has_is_not_reused(file: ServiceFile, recipe: Recipe) -> None:
    again(file, recipe)

    assert again(file, recipe) is None


def test_what_a_killed_process_had_is_reused_as_it_is(
    file: ServiceFile, recipe: Recipe, other: subprocess.Popen[bytes]
) -> None:
    up(file, recipe)
    slot = take(file, holder=other.pid)
    write_note(slot)
    other.kill()
    other.wait()

    reused = again(file, recipe)

    assert reused is not None
    assert notes(reused) == 1


def test_what_is_to_be_fresh_or_is_of_another_template_is_made_anew(
    file: ServiceFile, recipe: Recipe, tmp_path: Path
) -> None:
    found = []
    for wanted, fresh in (
        (recipe, False),
        (recipe, True),
        (sqlite_recipe(tmp_path / "later", "e" * 64), False),
    ):
        slot = again(file, wanted, fresh=fresh)
        assert slot is not None
        assert slot.lease is not None
        found.append(notes(slot))
        write_note(slot)
        keep(file, 1, slot.lease)

    assert found == [0, 0, 0]


def test_the_last_slot_that_is_forgotten_ends_the_service(
    file: ServiceFile, recipe: Recipe
) -> None:
    one, other = up(file, recipe, 2).slots

    forget(file, 1)
    between = file.existing().slots
    forget(file, 2)
    forget(file, 2)

    assert between == (other,)
    assert file.read() is None
    assert not database(one).exists()
    assert not database(other).exists()


def _own_label() -> str:
    from ctest_containers.engine.labels import owner

    return owner(os.getpid())

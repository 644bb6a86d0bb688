"""Batches are given out once, or again when a node is lost or falls silent."""

from __future__ import annotations

from harness.batches import batches_of
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.cluster.scheduler import AHEAD, LOSSES, Scheduler
from ctest_containers.workers.batch_progress import Work


def _works(*sizes: int) -> list[Work]:
    return [Work(batch, seconds=len(batch.tests)) for batch in batches_of(sizes)]


def _all(board: Scheduler, node: str) -> list[int]:
    """Every batch that a node can have now."""
    found = []
    while (work := board.assign(node)) is not None:
        found.append(work.batch.number)
    return found


def _end(board: Scheduler, node: str, work: Work) -> None:
    work.ended.update(work.batch.indices)
    board.ended(node, work.batch.number)


def test_a_node_has_one_batch_ahead_for_each_of_its_workers() -> None:
    board = Scheduler(_works(*[1] * 10))
    board.join("a", 2)

    assert _all(board, "a") == list(range(2 * (1 + AHEAD)))


def test_a_batch_does_not_wait_behind_one_that_runs_for_long() -> None:
    works = _works(3, 3, 3, 1)
    board = Scheduler(works)
    board.join("a", 1)

    assert _all(board, "a") == [0]
    works[0].ended.add(0)
    assert _all(board, "a") == []
    # A second is left of it, so the next one is there when it ends.
    works[0].ended.add(1)
    assert _all(board, "a") == [1]


def test_where_nothing_is_known_the_next_batch_comes_with_the_last_test() -> None:
    works = _works(2, 2, 2)
    for work in works:
        work.seconds = 0.0
    board = Scheduler(works)
    board.join("a", 1)

    assert _all(board, "a") == [0]
    works[0].ended.add(0)
    assert _all(board, "a") == [1]


def test_at_the_end_nobody_keeps_ahead_what_idle_nodes_could_run() -> None:
    board = Scheduler(_works(1, 1, 1))
    board.join("a", 2)
    board.join("b", 2)

    assert _all(board, "a") == [0, 1]
    assert _all(board, "b") == [2]


def test_what_a_lost_node_had_is_given_out_before_everything_else() -> None:
    board = Scheduler(_works(1, 1, 1, 1))
    board.join("a", 1)
    board.join("b", 1)
    assert _all(board, "a") == [0, 1]

    board.lose("a")

    assert _all(board, "b") == [0, 1]


def test_a_batch_whose_tests_have_all_ended_is_not_run_again() -> None:
    works = _works(2, 1)
    board = Scheduler(works)
    board.join("a", 1)
    _all(board, "a")
    works[0].ended.update({0, 1})

    board.lose("a")
    board.join("b", 1)

    assert _all(board, "b") == [1]


def test_a_test_that_runs_while_nodes_are_lost_is_given_up() -> None:
    board = Scheduler(_works(2, 1))
    given_up = []
    for number in range(LOSSES):
        board.join(str(number), 1)
        _all(board, str(number))
        given_up += board.lose(str(number), [0])

    assert [(work.batch.number, index) for work, index in given_up] == [(0, 0)]
    board.join("last", 1)
    assert _all(board, "last") == [0, 1]
    assert board.unfinished()[0].left == [1]


def test_after_a_loss_in_which_nobody_knows_what_ran_the_next_tests_are_announced_first() -> None:
    works = _works(1, 1)
    board = Scheduler(works)
    board.join("a", 1)
    _all(board, "a")

    board.lose("a", [])

    assert [work.careful > 0 for work in works] == [True, True]


def test_what_a_silent_node_has_is_copied_to_an_idle_one_when_nothing_else_waits() -> None:
    works = _works(1, 3, 2)
    board = Scheduler(works)
    board.join("a", 1)
    board.join("b", 1)
    assert _all(board, "a") == [0, 1]
    assert _all(board, "b") == [2]
    _end(board, "b", works[2])
    assert _all(board, "b") == []

    board.mark_silent("a")

    # The longest first, and one at a time.
    assert _all(board, "b") == [1]
    _end(board, "b", works[1])
    assert _all(board, "b") == [0]
    _end(board, "b", works[0])
    assert board.is_done


def test_what_a_silent_node_has_is_copied_before_shorter_batches_are_begun() -> None:
    board = Scheduler(_works(9, 4, 3, 2, 1))
    board.join("a", 1)
    board.join("b", 2)
    assert _all(board, "a") == [0]

    board.mark_silent("a")

    # It is begun early, not when nothing else is left: it would be the last to end.
    assert _all(board, "b") == [0, 1]


def test_a_silent_node_gets_nothing_until_it_speaks_again() -> None:
    board = Scheduler(_works(1, 1))
    board.join("a", 1)
    board.mark_silent("a")

    assert _all(board, "a") == []
    board.mark_responsive("a")
    assert _all(board, "a") == [0, 1]


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=30),
    st.lists(st.sampled_from(["join", "lose", "work", "silence", "speak"]), max_size=60),
    st.randoms(use_true_random=False),
)
def test_whatever_happens_to_nodes_every_test_ends_once(
    sizes: list[int], happenings: list[str], chance: object
) -> None:
    assert hasattr(chance, "choice")
    works = _works(*sizes)
    board = Scheduler(works)
    has: dict[str, list[Work]] = {}
    ended: list[int] = []
    joined = 0

    def work_on(node: str) -> None:
        while (given_work := board.assign(node)) is not None:
            has[node].append(given_work)
        if has[node]:
            work = has[node].pop(0)
            ended.extend(index for index in work.left if board.is_assigned(node, work.batch.number))
            if board.is_assigned(node, work.batch.number):
                _end(board, node, work)

    for happening in happenings:
        node = chance.choice(list(has)) if has else ""
        if happening == "join":
            joined += 1
            board.join(f"node {joined}", 1 + joined % 3)
            has[f"node {joined}"] = []
        elif node and happening == "lose":
            board.lose(node)
            del has[node]
        elif node and happening == "work":
            work_on(node)
        elif node and happening == "silence":
            board.mark_silent(node)
        elif node:
            board.mark_responsive(node)
    board.join("last", 1)
    has["last"] = []
    for node in [one for one in has if one != "last"]:
        board.lose(node)
    while not board.is_done:
        work_on("last")

    assert sorted(ended) == list(range(sum(sizes)))

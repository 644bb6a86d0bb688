"""What Dask's own command lines make of their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distributed.cli import dask_scheduler, dask_worker


def understood(command: Sequence[str]) -> dict[str, Any]:
    """The options of `dask scheduler …` or `dask worker …`, whichever way `dask` is named.

    Raises:
        click.UsageError: One has a value that it cannot have.
        AssertionError: One is not known, so that it is taken for an argument.
    """
    place = next(n for n, word in enumerate(command) if word in {"scheduler", "worker"})
    module: Any = dask_worker if command[place] == "worker" else dask_scheduler
    context = module.main.make_context(command[place], list(command[place + 1 :]))
    options: dict[str, Any] = context.params
    arguments = [options.get("scheduler") or "", *options["preload_argv"]]
    assert not any(one.startswith("-") for one in arguments), arguments
    return options

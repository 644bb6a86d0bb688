"""The program of the server host, which reads requests and writes answers as JSON lines."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ctest_containers.backends.environment import set_aside_variables
from ctest_containers.engine.reach import engine_variables
from ctest_containers.errors import CtestError
from ctest_containers.servers.answers import (
    ANSWERS,
    TASKS,
    Answer,
    Bug,
    HostTask,
    Refusal,
    Result,
)
from ctest_containers.servers.host import ServerHost
from ctest_containers.servers.requests import CLOSED, CONNECTED, REQUESTS, Closed, Request


def serve(task: HostTask, requests: TextIO, answers: TextIO) -> None:
    """Answer requests until their stream ends, and then remove everything that was started."""
    lock = threading.Lock()

    def send(answer: Answer) -> None:
        with lock, suppress(BrokenPipeError, ValueError):
            answers.write(ANSWERS.encode(answer) + "\n")
            answers.flush()

    os.environ.update(task.environment)
    # Otherwise, testcontainers chooses an engine and a network itself.
    os.environ.update(engine_variables())
    try:
        host = ServerHost(
            run=task.run,
            folder=Path(task.folder),
            owner=task.owner,
            project=task.project,
            transport=task.transport,
            service=task.service,
        )
    except CtestError as error:
        send(_refusal(CONNECTED, error))
        if not task.sweep:
            send(Result(number=CLOSED, value=Closed(left=(), reason="", peaks={})))
        return
    if task.sweep:
        send(Result(number=CLOSED, value=host.sweep()))
        return
    send(Result(number=CONNECTED))

    def handle(number: int, request: Request) -> None:
        try:
            send(Result(number=number, value=host.answer(request)))
        except CtestError as error:
            send(_refusal(number, error))
        except Exception:  # noqa: BLE001  # A bug here must not leave the parent waiting.
            send(Bug(number=number, traceback=traceback.format_exc()))

    pool = ThreadPoolExecutor(max_workers=32)
    pool.submit(host.reap)
    pool.submit(host.measure)
    try:
        for line in requests:
            fields = json.loads(line)
            if fields is None:
                break
            pool.submit(handle, fields.pop("id"), REQUESTS.build(fields))
    finally:
        # Requests that have not begun are dropped; a starting container is removed by its thread.
        pool.shutdown(wait=False, cancel_futures=True)
        host.close(away_seconds=0.0, others_remove=True)
        pool.shutdown(wait=True)
        send(Result(number=CLOSED, value=host.close()))


def _refusal(number: int, error: CtestError) -> Refusal:
    return Refusal(number=number, kind=type(error).__name__, message=error.message, hint=error.hint)


def main() -> None:
    """Serve the process that started this one, through its standard input and output."""
    # Ctrl-C at the terminal is the parent's to handle; this process ends when its input does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    set_aside_variables()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # A host that was started ahead of time may not be needed: its input ends without a line.
    if line := sys.stdin.readline():
        serve(TASKS.decode(line), sys.stdin, answers)
    # Skip Python's clean-up, for which the parent would have to wait.
    answers.flush()
    os._exit(0)

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
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from ctest_containers.backends.environment import set_aside_variables
from ctest_containers.engine.reach import engine_variables
from ctest_containers.errors import CtestError
from ctest_containers.servers.host import ServerHost
from ctest_containers.servers.requests import CLOSED, CONNECTED, REQUESTS, Closed, Request


def serve(arguments: dict[str, Any], requests: TextIO, answers: TextIO) -> None:
    """Answer requests until their stream ends, and then remove everything that was started."""
    lock = threading.Lock()

    def send(answer: dict[str, Any]) -> None:
        with lock, suppress(BrokenPipeError, ValueError):
            answers.write(json.dumps(answer) + "\n")
            answers.flush()

    folder = Path(arguments["folder"])
    sweeping = arguments.pop("sweep")
    os.environ.update(arguments.pop("environment"))
    # Otherwise, testcontainers chooses an engine and a network itself.
    os.environ.update(engine_variables())
    try:
        host = ServerHost(**{**arguments, "folder": folder})
    except CtestError as error:
        send({"id": CONNECTED, "error": _describe(error)})
        if not sweeping:
            send({"id": CLOSED, "result": asdict(Closed(left=(), reason="", peaks={}))})
        return
    if sweeping:
        send({"id": CLOSED, "result": asdict(host.sweep())})
        return
    send({"id": CONNECTED, "result": None})

    def handle(number: int, request: Request) -> None:
        try:
            send({"id": number, "result": host.answer(request)})
        except CtestError as error:
            send({"id": number, "error": _describe(error)})
        except Exception:  # noqa: BLE001  # A bug here must not leave the parent waiting.
            send({"id": number, "bug": traceback.format_exc()})

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
        send({"id": CLOSED, "result": asdict(host.close())})


def _describe(error: CtestError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint}


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
        serve(json.loads(line), sys.stdin, answers)
    # Skip Python's clean-up, for which the parent would have to wait.
    answers.flush()
    os._exit(0)

"""Translates the errors of Docker's SDK into those of the toolkit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import docker.errors
import requests.exceptions

from ctest_containers.errors import (
    EngineError,
    EngineUnreachableError,
    ImageUnavailableError,
    RegistryError,
)
from ctest_containers.text import last_lines

START_ENGINE: Final = (
    "Install and start Docker (https://docs.docker.com/engine/install/), or set DOCKER_HOST to the "
    "engine to use; python -m ctest_containers doctor finds the cause. Projects on SQLite "
    "need no engine."
)

FULL_DISK: Final = (
    "Free space on the engine's disk: `docker system df` shows what uses it, and "
    "`docker image prune` removes unused images."
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Translate what the SDK raises in this block.

    Args:
        doing: What the block does, such as `starting ctest-1`.
    """
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise ImageUnavailableError(f"The image is not on the engine: {doing} failed.") from error
    except docker.errors.BuildError as error:
        output = "".join(str(line.get("stream", line.get("error", ""))) for line in error.build_log)
        raise ImageUnavailableError(
            f"Building failed while {doing}. Its last lines:\n{last_lines(output)}",
            "If you cannot reach a registry, make debian:trixie-slim from packages: run "
            "scripts/base-image in a clone of the toolkit.",
        ) from error
    except docker.errors.ImageLoadError as error:
        raise EngineError(f"The engine reported an error while {doing}: {error}") from error
    except docker.errors.APIError as error:
        message = str(error.explanation or error)
        hint = FULL_DISK if "no space left" in message.lower() else ""
        raise EngineError(f"The engine reported an error while {doing}: {message}", hint) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        where = os.environ.get("DOCKER_HOST", "the default address")
        raise EngineUnreachableError(
            f"No Docker Engine answers at {where} while {doing}: {error}", START_ENGINE
        ) from error


@contextmanager
def registry_translated(doing: str) -> Iterator[None]:
    """Like `translated`, for calls that depend on a registry."""
    try:
        with translated(doing):
            yield
    except EngineUnreachableError:
        raise
    except EngineError as error:
        reason = error.message.removeprefix(f"The engine reported an error while {doing}: ")
        raise RegistryError(
            f"The registry reported an error while {doing}: {reason}",
            "Check the registry's name and whether it is running, and log in with docker login if "
            "it requires that.",
        ) from error

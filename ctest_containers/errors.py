"""The errors that users can do something about.

    CtestError
    ├── UsageError              an option, environment variable or setting
    ├── ProjectError            the Django project cannot be loaded or used
    ├── UnsupportedVendorError  a database vendor that has no backend
    ├── EngineError             the container engine: unreachable, or refuses
    │   ├── EngineUnreachableError  the engine does not answer
    │   ├── ImageUnavailableError   an image that cannot be found, built or pulled
    │   └── RegistryError           a registry that does not answer, or refuses
    ├── ServerError             a database server that does not start or does not answer
    ├── TemplateError           a template that cannot be built
    │   ├── LayerError          a layer that has changed since it was stored
    │   ├── PrivilegeError      a migration that the project's role may not run
    │   └── RenderingError      a migration that fails with models rendered on demand
    ├── ServiceError            a service that does not exist, has no free slot, or is unreadable
    ├── WorkerError             worker processes that cannot be kept alive
    ├── ClusterError            a cluster that does not answer, or has no node that can run tests
    ├── ReportError             a report that cannot be written; the run goes on without it
    ├── NothingToRun            only failed or affected tests are asked for, and there are none
    └── InterruptedRunError     Ctrl-C or SIGTERM, before all tests had run

Each has a message and a hint: what failed, and what to do about it. Any other exception is a bug,
and shows its traceback.
"""

from __future__ import annotations

from ctest_containers.exit_codes import ExitCode


class CtestError(Exception):
    """An error that a user can understand and do something about."""

    exit_code = ExitCode.SETUP_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(CtestError):
    """An option, an environment variable or a setting is invalid."""


class ProjectError(CtestError):
    """The Django project cannot be loaded or used."""


class UnsupportedVendorError(CtestError):
    """A selected test uses a database of a vendor that is not supported."""


class EngineError(CtestError):
    """The container engine does not answer, or refuses a request."""


class EngineUnreachableError(EngineError):
    """The container engine does not answer, but may do so later."""


class ImageUnavailableError(EngineError):
    """An image is not on the engine and cannot be built or pulled."""


class RegistryError(EngineError):
    """A container registry does not answer, or refuses a request."""


class ServerError(CtestError):
    """A database server did not start, or stopped answering."""


class TemplateError(CtestError):
    """A template could not be built."""


class LayerError(TemplateError):
    """A layer, or what it depends on, has changed since it was stored."""


class PrivilegeError(TemplateError):
    """The server reports that a migration needs a privilege that the project's role lacks."""


class RenderingError(TemplateError):
    """A migration fails if models are rendered on demand, but may succeed if they are not."""


class ServiceError(CtestError):
    """A service does not exist, has no free slot, or its file cannot be used."""


class WorkerError(CtestError):
    """Worker processes end repeatedly before they run a test."""


class ClusterError(CtestError):
    """A cluster does not answer, or none of its nodes can run tests."""


class ReportError(CtestError):
    """A report cannot be written; the run continues without it."""


class NothingToRun(CtestError):  # noqa: N818  # To have no failures is none.
    """Only failed or affected tests are to run, and there are none."""

    exit_code = ExitCode.PASSED


class InterruptedRunError(CtestError):
    """Ctrl-C or SIGTERM ended the run before every test had run."""

    def __init__(
        self, message: str, exit_code: ExitCode = ExitCode.INTERRUPTED, hint: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.exit_code = exit_code


EXPECTED: dict[str, type[CtestError]] = {
    error.__name__: error
    for error in (
        UsageError,
        ProjectError,
        UnsupportedVendorError,
        EngineError,
        EngineUnreachableError,
        ImageUnavailableError,
        RegistryError,
        ServerError,
        TemplateError,
        LayerError,
        PrivilegeError,
        RenderingError,
        ServiceError,
        WorkerError,
        ClusterError,
        ReportError,
    )
}
"""The error classes by name, for errors that are sent from one process to another."""

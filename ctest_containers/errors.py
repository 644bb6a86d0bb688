"""Everything that may go wrong outside the toolkit's own code.

    CtestError
    ├── UsageError              an option, environment variable or setting
    ├── ProjectError            the Django project cannot be loaded or used
    ├── UnsupportedVendorError  a database vendor that has no backend
    ├── EngineError             the container engine: unreachable, or refuses
    │   ├── EngineUnreachableError  nobody answers, or not any more
    │   ├── ImageUnavailableError   an image that is neither there nor to be had
    │   └── RegistryError           a registry that does not answer, or refuses
    ├── ServerError             a database server that does not start or does not answer
    ├── TemplateError           a template that cannot be built
    │   ├── LayerError          a layer that is not what it was
    │   ├── PrivilegeError      a migration that the project's role may not run
    │   └── RenderingError      a migration that fails with models rendered on demand
    ├── ServiceError            a service that is not there, not to be had, or not readable
    ├── WorkerError             worker processes that cannot be kept alive
    ├── ClusterError            a cluster that does not answer, or has no node that can run tests
    ├── ReportError             a report that cannot be written; the run goes on without it
    └── InterruptedRunError     Ctrl-C or SIGTERM, before all tests had run

Each is a statement and a hint: what failed, on which thing; then what to do next.
Whatever else is raised is a bug and shows its traceback.
"""

from __future__ import annotations

from ctest_containers.exit_codes import ExitCode


class CtestError(Exception):
    """Something a user can understand and do something about."""

    exit_code = ExitCode.SETUP_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(CtestError):
    """An option, an environment variable or a setting is not what it should be."""


class ProjectError(CtestError):
    """The Django project cannot be loaded, or not used as it is."""


class UnsupportedVendorError(CtestError):
    """A selected test uses a database of a vendor that the toolkit has no backend for."""


class EngineError(CtestError):
    """The container engine does not answer, or refuses what it was asked."""


class EngineUnreachableError(EngineError):
    """The container engine does not answer; it may come back."""


class ImageUnavailableError(EngineError):
    """An image is not on the engine and cannot be built or pulled."""


class RegistryError(EngineError):
    """A container registry does not answer, or refuses what it was asked."""


class ServerError(CtestError):
    """A database server did not start, or stopped answering."""


class TemplateError(CtestError):
    """The template database could not be made."""


class LayerError(TemplateError):
    """A layer is not what it was when it was kept, or what it depends on is something else."""


class PrivilegeError(TemplateError):
    """A migration needs a privilege that the project's role does not have; says the server."""


class RenderingError(TemplateError):
    """An operation of a migration fails with models rendered on demand; it may not otherwise."""


class ServiceError(CtestError):
    """A service is not there, has no slot to give, or its file cannot be used."""


class WorkerError(CtestError):
    """Worker processes end again and again before they run a test."""


class ClusterError(CtestError):
    """A cluster does not answer, or none of its nodes can run tests."""


class ReportError(CtestError):
    """A report cannot be written; the run goes on without it."""


class InterruptedRunError(CtestError):
    """Ctrl-C or SIGTERM came before every test had run."""

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
"""The tree by name, for errors that cross from one process to another."""

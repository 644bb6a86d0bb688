"""The requests of the parent to the server host; each is one line of JSON, as is each answer."""

from __future__ import annotations

from typing import Final, get_args

from ctest_containers.codec import Vocabulary
from ctest_containers.servers.requests.host import (
    AskArchitecture,
    AskMemory,
    AskServerMemory,
    Closed,
    NoteContainer,
)
from ctest_containers.servers.requests.images import (
    BuildBase,
    DigestImage,
    DropName,
    FindImage,
    FindTemplate,
    ListImages,
    LoadImage,
    NameImage,
    PullImage,
    PushImage,
    RemoveImage,
    SaveImage,
)
from ctest_containers.servers.requests.servers import (
    DigestContents,
    EndSessions,
    ExplainServer,
    ExportChanges,
    KeepServer,
    ReadCatalogs,
    ReadMarks,
    RemoveServer,
    SaveLayer,
    ServerLimits,
    SettleRoles,
    StartServer,
    TakeSnapshot,
    start_request,
)

__all__ = [
    "CLOSED",
    "CONNECTED",
    "REQUESTS",
    "AskArchitecture",
    "AskMemory",
    "AskServerMemory",
    "BuildBase",
    "Closed",
    "DigestContents",
    "DigestImage",
    "DropName",
    "EndSessions",
    "ExplainServer",
    "ExportChanges",
    "FindImage",
    "FindTemplate",
    "KeepServer",
    "ListImages",
    "LoadImage",
    "NameImage",
    "NoteContainer",
    "PullImage",
    "PushImage",
    "ReadCatalogs",
    "ReadMarks",
    "RemoveImage",
    "RemoveServer",
    "Request",
    "SaveImage",
    "SaveLayer",
    "ServerLimits",
    "SettleRoles",
    "StartServer",
    "TakeSnapshot",
    "start_request",
]

CONNECTED: Final = 0
"""The number of the first answer, which the host sends unasked when it has found the engine."""

CLOSED: Final = -1
"""The number of the last answer, which it sends when it has removed what it started."""

Request = (
    AskArchitecture
    | AskMemory
    | AskServerMemory
    | FindTemplate
    | FindImage
    | ListImages
    | DigestImage
    | BuildBase
    | StartServer
    | ReadCatalogs
    | EndSessions
    | SettleRoles
    | TakeSnapshot
    | SaveLayer
    | DigestContents
    | ExplainServer
    | ExportChanges
    | RemoveImage
    | DropName
    | NameImage
    | PushImage
    | PullImage
    | SaveImage
    | LoadImage
    | ReadMarks
    | KeepServer
    | NoteContainer
    | RemoveServer
)

REQUESTS: Final = Vocabulary(get_args(Request))

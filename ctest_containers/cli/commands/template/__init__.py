"""`template`: which templates there are, what is in them, and how they come and go."""

from typing import Final

from ctest_containers.cli.command import Command, CommandGroup

GROUP: Final = CommandGroup(
    name="template",
    commands={
        "build": "make sure that today's templates exist, as a run does",
        "explain": "show whether today's templates exist, and if not, what has changed",
        "verify": "check that today's templates are what they say, with every migration applied",
        "push": "push today's templates to --registry",
        "pull": "pull today's templates from --registry",
        "save": "write today's templates to a file",
        "key": "print the key of today's templates in a cache of such files",
        "list": "list the templates on this machine",
        "prune": "remove templates that are too many, too old or too large",
        "diff": "compare the databases of two templates",
        "load": "load templates from a file",
    },
    description="Shows, builds, shares and removes templates: databases that are migrated once,\n"
    "then copied for each worker. Today's templates are those that a run of the\n"
    "current code would use; commands about them take the options of run, and labels\n"
    "of tests.",
    examples=[
        ("template explain", "Show whether a run would build a template, and why."),
        ("template list", "List those of this project."),
        ("template prune --days 7", "Remove those that were not used for a week."),
        ("template push --registry ghcr.io/acme/templates", "Share today's."),
    ],
)

COMMAND: Final = Command(handle=GROUP.handle, make_parser=GROUP.make_parser)

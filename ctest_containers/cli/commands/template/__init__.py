"""`template`: which templates there are, what is in them, and how they come and go."""

from typing import Final

from ctest_containers.cli.command import Command, CommandGroup

GROUP: Final = CommandGroup(
    name="template",
    commands={
        "build": "build the current templates if they don't exist, as a run does",
        "explain": "show whether the current templates exist and, if not, what has changed",
        "verify": "check that the current templates match their labels",
        "push": "push the current templates to --registry",
        "pull": "pull the current templates from --registry",
        "save": "save the current templates to a file",
        "key": "print a key under which a cache can store that file",
        "list": "list the templates on this machine",
        "prune": "remove old and surplus templates",
        "diff": "compare the databases of two templates",
        "load": "load templates from a file",
    },
    description=(
        "Shows, builds, shares and removes templates: databases that are migrated once,\n"
        "then copied for each worker. The current templates are those that a run\n"
        "of the current code would use; commands for them take test labels and the\n"
        "options of run."
    ),
    examples=[
        ("template explain", "Show whether a run would build a template, and why."),
        ("template list", "List the templates of this project."),
        ("template prune --days 7", "Remove templates that have not been used for a week."),
        ("template push --registry ghcr.io/acme/templates", "Share the current templates."),
    ],
)

COMMAND: Final = Command(handle=GROUP.handle, make_parser=GROUP.make_parser)

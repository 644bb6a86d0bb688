"""`service`: migrated databases that stay, for programs of any language."""

from typing import Final

from ctest_containers.cli.command import Command, CommandGroup

GROUP: Final = CommandGroup(
    name="service",
    commands={
        "up": "start slots, each with all databases, or add those that are missing",
        "status": "show which slots are up, and which are leased",
        "logs": "print the servers' logs",
        "lease": "lease a free slot, and print its addresses",
        "release": "release a slot, which is recreated before the next lease",
        "down": "remove the service's containers, folders and files",
    },
    description="Migrated, isolated databases that stay up until you take them down.",
    examples=[
        (
            "service up --slots 2 --env-file .env.test",
            "Start two slots; then use docker compose --env-file ….",
        ),
        ("service up --github-env", "Set the variables for later steps, on GitHub Actions."),
        ("service lease --wait 60 --env-file .env.job", "Lease a slot for a parallel job."),
        ("service down", "Remove everything."),
    ],
)

COMMAND: Final = Command(handle=GROUP.handle, make_parser=GROUP.make_parser)

"""`service`: migrated databases that stay, for programs of any language."""

from typing import Final

from ctest_containers.cli.command import Command, CommandGroup

GROUP: Final = CommandGroup(
    name="service",
    commands={
        "up": "start slots, each with every database, or add what is missing",
        "status": "show which slots are up, and which are leased",
        "logs": "print what the servers have logged",
        "lease": "lease a free slot, and print its addresses",
        "release": "give a slot back; it is made anew before the next lease",
        "down": "remove the service's containers, folders and files",
    },
    description="Migrated, isolated databases that stay up until you take them down.",
    examples=[
        ("service up --slots 2 --env-file .env.test", "Then: docker compose --env-file …"),
        ("service up --github-env", "In a step of GitHub Actions."),
        ("service lease --wait 60 --env-file .env.job", "One slot, for a parallel job."),
        ("service down", "Remove all of it."),
    ],
)

COMMAND: Final = Command(handle=GROUP.handle, make_parser=GROUP.make_parser)

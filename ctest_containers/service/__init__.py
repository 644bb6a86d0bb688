"""Migrated databases that stay when the command has ended that has made them.

A *service* has a name and a number of *slots*; each slot has every database that is wanted, on
servers of its own, or for SQLite in files of its own. What is known of a service is in one file of
the user's cache folder, `services/<project>/<name>.json`, which is replaced in one step and changed
under a lock. A slot is made from a *recipe*, which is in the file, too; so a slot can be made anew
without the project being loaded.

**Who owns what.** The server host of the process that makes a slot owns its containers, as in a
run, until they answer. Then, under the file's lock, the host lets go of them and the file names
them. Containers and folders carry the label of the file that is to name them (`engine.labels`): as
long as it does, nobody takes them for a dead run's. What is killed in between is named by no file,
has no living owner, and is removed by the next run, by `clean`, `service up` or `service down`.

**Whose a slot is.** A lease is for one process, with whose death it ends however it dies, or until
it is given back. A slot that was leased is made anew before it is leased again: the new one first,
then the old one is removed.

For a front that wants servers to outlive it (`--reuse-db`), with the project loaded:

    file = service_file(databases.project, "pytest")
    recipe = recipe_of(databases, config, aliases)      # makes sure of the templates
    slot = reuse(file, number, project=databases.project, recipe=recipe, folder=Path.cwd())
    if slot is not None:                                # None: another living process has it
        slot.leases()                                   # for each alias, what `redirect` takes
        keep(file, number, slot.lease)                  # at the end: they stay as they are

`reuse(…, fresh=True)` makes the slot anew, `forget(file, number)` removes it. A slot that does not
answer, or is from another template, is made anew by itself.
"""

from ctest_containers.service.file import DEFAULT, ServiceFile, find_service, service_file, services
from ctest_containers.service.recipe import recipe_of
from ctest_containers.service.slots import (
    bring_up,
    forget,
    give_back,
    keep,
    reuse,
    take,
    take_down,
)
from ctest_containers.service.state import Recipe, Service, Slot, SlotLease, SlotState

__all__ = [
    "DEFAULT",
    "Recipe",
    "Service",
    "ServiceFile",
    "Slot",
    "SlotLease",
    "SlotState",
    "bring_up",
    "find_service",
    "forget",
    "give_back",
    "keep",
    "recipe_of",
    "reuse",
    "service_file",
    "services",
    "take",
    "take_down",
]

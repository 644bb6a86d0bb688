"""Migrated databases that outlive the command that made them.

A *service* has a name and a number of *slots*; each slot has every database that was asked for, on
servers of its own, or for SQLite in files of its own. All state of a service is in one file in the
user's cache folder, `services/<project>/<name>.json`, which is replaced in one step and changed
under a lock. A slot is made from a *recipe*, which is in the file, too; so a slot can be made anew
without the project being loaded.

**Who owns what.** The server host of the process that makes a slot owns its containers, as in a
run, until they answer. Then, under the file's lock, the host lets go of them and the file names
them. Containers and folders carry the label of the file that is to name them (`engine.labels`): as
long as it does, they do not count as a dead run's. What is killed in between is named by no file,
has no living owner, and is removed by the next run, by `clean`, `service up` or `service down`.

**Who has a slot.** A lease is for one process and ends when it dies, however it dies, or it lasts
until it is given back. A slot that was leased is made anew before the next lease: first the new one
is made, then the old one is removed.

For a test runner whose servers should outlive it (`--reuse-db`), with the project loaded:

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
from ctest_containers.service.leases import give_back, keep, reuse, take
from ctest_containers.service.recipe import recipe_of
from ctest_containers.service.slots import bring_up, forget, take_down
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

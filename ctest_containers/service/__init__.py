"""Migrated databases that outlive the command that created them.

A *service* has a name and a number of *slots*; each slot has every requested database, on servers
of its own, or for SQLite in files of its own. All state of a service is in one file in the user's
cache folder, `services/<project>/<name>.json`, which is replaced atomically and changed under a
lock. A slot is created from a *recipe*, which is also in the file; so a slot can be recreated
without loading the project.

**Ownership.** The server host of the process that creates a slot owns its containers, as in a run,
until they answer. Then, under the file's lock, the host releases them and the file names them.
Containers and folders carry the label of the file that is to name them (`engine.labels`): as long
as it names them, they do not count as a dead run's. If the process is killed in between, they are
in no file and have no live owner; the next run, `clean`, `service up` or `service down` removes
them.

**Leases.** A lease belongs to a process and ends when that dies in any way, or lasts until it is
released. A slot that was leased is recreated before the next lease: the new one is created before
the old one is removed.

For a test runner whose servers should outlive it (`--reuse-db`), with the project loaded:

    file = service_file(databases.project, "pytest")
    recipe = recipe_of(databases, config, aliases)      # ensures the templates
    slot = reuse(file, number, project=databases.project, recipe=recipe, folder=Path.cwd())
    if slot is not None:                                # None: another living process has it
        slot.leases()                                   # for each alias, `redirect`'s argument
        keep(file, number, slot.lease)                  # at the end: the databases stay

`reuse(…, fresh=True)` recreates the slot, `forget(file, number)` removes it. A slot that does not
answer, or is from another template, is recreated automatically.
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

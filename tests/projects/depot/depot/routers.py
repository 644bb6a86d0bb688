"""Which database each model lives in."""

HOMES = {"ledger": "ledger", "legacy": "legacy", "archive": "archive"}


class DepotRouter:
    """Apps with a database of their own go there, all others to the default one."""

    def db_for_read(self, model, **hints):
        """Read the catalogue from the replica, but what belongs to a row from where that is."""
        home = self.db_for_write(model)
        instance = hints.get("instance")
        if model._meta.app_label != "catalogue":
            return home
        return home if instance is not None and instance._state.db == home else "replica"

    def db_for_write(self, model, **hints):
        return HOMES.get(model._meta.app_label, "default")

    def allow_relation(self, obj1, obj2, **hints):
        return self.db_for_write(type(obj1)) == self.db_for_write(type(obj2))

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        """A migration may name another database than its app's with the hint "target"."""
        return db == hints.get("target", HOMES.get(app_label, "default"))

"""Read access to the audit trail."""

from django.contrib import admin

from auditing.models import AuditEntry, ImportJob, Webhook

admin.site.register([ImportJob, Webhook])


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    list_display = ["at", "actor", "verb"]

    def has_change_permission(self, request, obj=None):
        return False

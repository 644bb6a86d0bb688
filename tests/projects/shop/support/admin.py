"""Administration of tickets."""

from django.contrib import admin

from support.models import CannedReply, Department, Ticket, TicketLabel

admin.site.register([CannedReply, Department, TicketLabel])


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin):
    list_display = ["subject", "department", "priority", "status"]
    list_filter = ["status", "priority"]

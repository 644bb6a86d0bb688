"""Administration of users and roles."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from accounts.models import Address, CustomerProfile, LoginAttempt, StaffRole, User

admin.site.register([Address, CustomerProfile, LoginAttempt])


class AssignmentInline(admin.TabularInline):
    model = StaffRole.members.through
    extra = 0


@admin.register(StaffRole)
class StaffRoleAdmin(admin.ModelAdmin):
    list_display = ["name", "code", "rank"]
    inlines = [AssignmentInline]


@admin.register(User)
class ShopUserAdmin(UserAdmin):
    list_display = ["username", "email", "is_staff"]
    fieldsets = (*UserAdmin.fieldsets, ("Contact", {"fields": ["phone", "language"]}))

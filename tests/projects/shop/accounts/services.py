"""Loyalty points, staff roles and protection of the login."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Address, CustomerProfile, LoginAttempt, StaffRole, User

LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)


def add_points(profile: CustomerProfile, points: int) -> int:
    """Add loyalty points, or take some off if the number is negative."""
    if profile.loyalty_points + points < 0:
        raise ValueError("A customer cannot have a negative number of points.")
    profile.loyalty_points += points
    profile.save(update_fields=["loyalty_points", "updated_at"])
    return profile.loyalty_points


@transaction.atomic
def make_default(address: Address) -> None:
    """Make this the only default address of its user."""
    address.user.addresses.exclude(pk=address.pk).update(is_default=False)
    address.is_default = True
    address.save()


def assign_role(user: User, code: str) -> bool:
    """Give a role to a user and tell whether it is a new one."""
    _, created = StaffRole.objects.get(code=code).assignments.get_or_create(user=user)
    return created


def highest_rank(user: User) -> int:
    role = user.staff_roles.order_by("-rank").first()
    return role.rank if role else 0


def is_locked(username: str, at: datetime) -> bool:
    """Tell whether too many logins failed within the last minutes."""
    recent = LoginAttempt.objects.filter(username=username, at__gt=at - LOCK_FOR, at__lte=at)
    return recent.filter(successful=False).count() >= LOCK_AFTER

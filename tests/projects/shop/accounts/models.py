"""Users, customer profiles, addresses and staff roles."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone

from shop.abstract import TimeStampedModel
from shop.constraints import check_constraint


class User(AbstractUser):
    email = models.EmailField(unique=True)
    phone = models.CharField(max_length=32, blank=True)
    language = models.CharField(max_length=8, default="en")

    class Meta:
        ordering = ["username"]
        indexes = [models.Index(Upper("email"), name="accounts_user_email_upper")]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username


class CustomerProfile(TimeStampedModel):
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    birth_date = models.DateField(null=True, blank=True)
    newsletter = models.BooleanField(default=False)
    loyalty_points = models.IntegerField(default=0)
    preferences = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            check_constraint(
                condition=models.Q(loyalty_points__gte=0), name="accounts_profile_points_gte_0"
            )
        ]

    def __str__(self) -> str:
        return f"Profile of {self.user}"

    def age_on(self, day) -> int | None:
        """Return the customer's age in full years on the given day."""
        if self.birth_date is None:
            return None
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (0 if had_birthday else 1)


class Address(TimeStampedModel):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    recipient = models.CharField(max_length=120)
    street = models.CharField(max_length=200)
    postcode = models.CharField(max_length=16)
    city = models.CharField(max_length=80)
    country = models.ForeignKey("pricing.Country", on_delete=models.PROTECT, null=True, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["-is_default", "id"]
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default=True),
                name="accounts_one_default_address",
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient}, {self.city}"

    def as_label(self) -> list[str]:
        """Return the lines to print on a parcel label."""
        lines = [self.recipient, self.street, f"{self.postcode} {self.city}"]
        if self.country_id:
            lines.append(self.country.name.upper())
        return lines


class StaffRole(models.Model):
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    rank = models.PositiveSmallIntegerField(default=0)
    members = models.ManyToManyField(User, through="StaffAssignment", related_name="staff_roles")

    class Meta:
        ordering = ["-rank", "code"]

    def __str__(self) -> str:
        return self.name


class StaffAssignment(models.Model):
    role = models.ForeignKey(StaffRole, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments")
    assigned_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "user"], name="accounts_role_once_per_user")
        ]


class LoginAttempt(models.Model):
    username = models.CharField(max_length=150)
    remote_address = models.GenericIPAddressField(null=True, blank=True)
    successful = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["username", "-at"], name="accounts_login_user_at")]

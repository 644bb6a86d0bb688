"""Tests of loyalty points, roles and the lock of the login."""

from datetime import timedelta

from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.test import TestCase, TransactionTestCase

from accounts.models import LoginAttempt, StaffRole, User
from accounts.services import add_points, assign_role, highest_rank, is_locked, make_default
from shop.factories import make_address, make_profile, make_user, utc

NOON = utc(2024, 5, 1, 12)


class PointsTests(TestCase):
    def test_points_are_added(self):
        self.assertEqual(add_points(make_profile(loyalty_points=5), 10), 15)

    def test_points_are_taken_off(self):
        self.assertEqual(add_points(make_profile(loyalty_points=5), -5), 0)

    def test_more_points_than_there_are_cannot_be_taken(self):
        with self.assertRaisesMessage(ValueError, "negative"):
            add_points(make_profile(loyalty_points=5), -6)

    def test_points_are_stored(self):
        profile = make_profile()
        add_points(profile, 7)
        profile.refresh_from_db()
        self.assertEqual(profile.loyalty_points, 7)


class DefaultAddressTests(TestCase):
    def test_the_former_default_is_replaced(self):
        user = make_user()
        old, new = make_address(user, is_default=True), make_address(user)
        make_default(new)
        old.refresh_from_db()
        self.assertFalse(old.is_default)
        self.assertTrue(new.is_default)


class RoleTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = make_user(is_staff=True)

    def test_the_roles_of_the_shop_exist(self):
        codes = set(StaffRole.objects.values_list("code", flat=True))
        self.assertLessEqual({"owner", "manager", "clerk", "packer", "writer"}, codes)

    def test_the_groups_of_the_shop_exist(self):
        self.assertTrue(Group.objects.filter(name="Order desk").exists())

    def test_a_role_is_assigned_once(self):
        self.assertTrue(assign_role(self.user, "clerk"))
        self.assertFalse(assign_role(self.user, "clerk"))

    def test_an_unknown_role_is_an_error(self):
        with self.assertRaises(StaffRole.DoesNotExist):
            assign_role(self.user, "king")

    def test_the_highest_role_counts(self):
        assign_role(self.user, "packer")
        assign_role(self.user, "manager")
        self.assertEqual(highest_rank(self.user), 50)

    def test_a_user_without_role_has_no_rank(self):
        self.assertEqual(highest_rank(self.user), 0)


class LockTests(TestCase):
    def fail_login(self, times, at=NOON, successful=False):
        rows = [LoginAttempt(username="ada", at=at, successful=successful) for _ in range(times)]
        LoginAttempt.objects.bulk_create(rows)

    def test_four_failures_do_not_lock(self):
        self.fail_login(4)
        self.assertFalse(is_locked("ada", NOON))

    def test_five_failures_lock(self):
        self.fail_login(5)
        self.assertTrue(is_locked("ada", NOON))

    def test_successful_logins_do_not_count(self):
        self.fail_login(9, successful=True)
        self.assertFalse(is_locked("ada", NOON))

    def test_the_lock_ends_after_a_while(self):
        self.fail_login(5)
        self.assertFalse(is_locked("ada", NOON + timedelta(minutes=15)))

    def test_other_users_are_not_locked(self):
        self.fail_login(5)
        self.assertFalse(is_locked("bob", NOON))


class AutocommitTests(TransactionTestCase):
    def test_a_failed_insert_leaves_the_connection_usable(self):
        make_user("ada")
        with self.assertRaises(IntegrityError):
            make_user("ada", email="other@example.com")
        self.assertEqual(User.objects.filter(username="ada").count(), 1)

    def test_no_user_is_left_from_another_test(self):
        self.assertFalse(User.objects.filter(username="ada").exists())


class SeededRoleTests(TransactionTestCase):
    serialized_rollback = True

    def test_owners_outrank_everybody(self):
        self.assertEqual(StaffRole.objects.first().code, "owner")

    def test_roles_can_be_removed_in_one_test(self):
        StaffRole.objects.all().delete()
        self.assertFalse(StaffRole.objects.exists())

    def test_roles_are_back_in_the_next_test(self):
        self.assertGreaterEqual(StaffRole.objects.count(), 5)

"""Tests of the administration of users."""

from django.test import TestCase

from accounts.models import Address, StaffRole, User
from shop.tests.mixins import AdminPagesMixin


class UserAdminTests(AdminPagesMixin, TestCase):
    model = User

    def test_a_user_can_be_created(self):
        self.client.force_login(self.superuser)
        data = {
            "username": "grace",
            "usable_password": "true",
            "password1": "correct horse battery",
            "password2": "correct horse battery",
        }
        response = self.client.post(self.page("add"), data)
        self.assertEqual(response.status_code, 302)
        self.assertTrue(User.objects.get(username="grace").check_password("correct horse battery"))

    def test_users_are_found_by_name(self):
        self.client.force_login(self.superuser)
        response = self.client.get(self.page("changelist"), {"q": self.clerk.username})
        self.assertContains(response, self.clerk.email)


class StaffRoleAdminTests(AdminPagesMixin, TestCase):
    model = StaffRole


class AddressAdminTests(AdminPagesMixin, TestCase):
    model = Address

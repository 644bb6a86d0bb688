"""Tests that several apps share."""

from django.urls import reverse

from shop.factories import make_superuser, make_user


class AdminPagesMixin:
    """Check the pages of one model in the administration."""

    model = None
    can_add = True

    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.superuser = make_superuser()
        cls.clerk = make_user(is_staff=True)

    def page(self, name):
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}")

    def test_the_list_is_shown_to_superusers(self):
        self.client.force_login(self.superuser)
        self.assertContains(self.client.get(self.page("changelist")), "<form")

    def test_the_form_for_a_new_row_is_shown(self):
        self.client.force_login(self.superuser)
        response = self.client.get(self.page("add"))
        self.assertEqual(response.status_code, 200 if self.can_add else 403)

    def test_visitors_are_sent_to_the_login(self):
        page = self.page("changelist")
        self.assertRedirects(self.client.get(page), f"/admin/login/?next={page}")

    def test_staff_without_permission_are_refused(self):
        self.client.force_login(self.clerk)
        self.assertEqual(self.client.get(self.page("changelist")).status_code, 403)


class LoginNeededMixin:
    """Check that a page is for customers only."""

    needs_login = ""

    def test_visitors_must_log_in_first(self):
        response = self.client.get(self.needs_login)
        self.assertEqual(response.status_code, 302)
        self.assertIn("/admin/login/", response["Location"])

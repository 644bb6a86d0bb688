"""Tests of users, profiles and addresses."""

from datetime import date

from django.db import IntegrityError, connection, transaction
from django.test import SimpleTestCase, TestCase, skipUnlessDBFeature, tag

from accounts.models import Address, CustomerProfile, User
from shop.factories import make_address, make_profile, make_user


@tag("smoke")
class UserTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ada = make_user("ada", first_name="Ada", last_name="Byron")

    def test_the_full_name_is_displayed(self):
        self.assertEqual(self.ada.display_name, "Ada Byron")

    def test_the_user_name_is_displayed_without_a_full_name(self):
        self.assertEqual(make_user("bob").display_name, "bob")

    def test_english_is_the_default_language(self):
        self.assertEqual(self.ada.language, "en")

    def test_two_users_cannot_share_an_address(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_user("eve", email=self.ada.email)

    def test_changes_to_shared_rows_stay_within_one_test(self):
        self.ada.first_name = "Augusta"
        self.ada.save()
        self.assertEqual(User.objects.get(pk=self.ada.pk).first_name, "Augusta")

    def test_shared_rows_are_fresh_in_every_test(self):
        self.assertEqual(self.ada.first_name, "Ada")

    def test_passwords_can_be_checked(self):
        self.ada.set_password("correct horse")
        self.assertTrue(self.ada.check_password("correct horse"))

    def test_a_wrong_password_is_refused(self):
        self.ada.set_password("correct horse")
        self.assertFalse(self.ada.check_password("battery staple"))

    def test_users_are_sorted_by_name(self):
        make_user("aaron")
        names = list(User.objects.filter(username__in=["ada", "aaron"]).values_list("username"))
        self.assertEqual(names, [("aaron",), ("ada",)])


class AgeTests(SimpleTestCase):
    profile = CustomerProfile(birth_date=date(2000, 2, 29))

    def test_the_age_is_unknown_without_a_birth_date(self):
        self.assertIsNone(CustomerProfile().age_on(date(2024, 1, 1)))

    def test_the_age_changes_on_the_birthday(self):
        self.assertEqual(self.profile.age_on(date(2024, 2, 28)), 23)
        self.assertEqual(self.profile.age_on(date(2024, 2, 29)), 24)

    def test_a_leap_day_birthday_is_kept_in_march(self):
        self.assertEqual(self.profile.age_on(date(2023, 3, 1)), 23)


class ProfileTests(TestCase):
    def test_a_new_profile_has_no_points(self):
        self.assertEqual(make_profile().loyalty_points, 0)

    def test_the_profile_goes_with_its_user(self):
        profile = make_profile()
        profile.user.delete()
        self.assertFalse(CustomerProfile.objects.filter(pk=profile.pk).exists())

    def test_a_user_has_one_profile_only(self):
        profile = make_profile()
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_profile(user=profile.user)

    def test_profiles_are_found_by_preference(self):
        profile = make_profile(preferences={"theme": "dark", "size": 12})
        make_profile(preferences={"theme": "light"})
        found = CustomerProfile.objects.filter(preferences__theme="dark")
        self.assertEqual(list(found), [profile])

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_negative_points(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_profile(loyalty_points=-1)


class AddressTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = make_user()

    def test_the_default_address_comes_first(self):
        make_address(self.user, city="Bonn")
        make_address(self.user, city="Ulm", is_default=True)
        self.assertEqual([row.city for row in self.user.addresses.all()], ["Ulm", "Bonn"])

    def test_a_label_ends_with_the_country(self):
        label = make_address(self.user).as_label()
        self.assertEqual(label, ["Ada Example", "Main Street 1", "10115 Berlin", "GERMANY"])

    def test_a_label_without_country_has_three_lines(self):
        self.assertEqual(len(make_address(self.user, country=None).as_label()), 3)

    def test_an_address_is_printed_with_its_city(self):
        self.assertEqual(str(make_address(self.user)), "Ada Example, Berlin")

    @skipUnlessDBFeature("supports_partial_indexes")
    def test_the_database_allows_one_default_address_only(self):
        make_address(self.user, is_default=True)
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_address(self.user, is_default=True)

    def test_two_users_have_a_default_address_each(self):
        make_address(self.user, is_default=True)
        make_address(make_user(), is_default=True)
        users = [self.user]
        self.assertEqual(Address.objects.filter(user__in=users, is_default=True).count(), 1)

    def test_the_database_is_one_of_those_we_support(self):
        self.assertIn(connection.vendor, {"sqlite", "postgresql", "mysql"})

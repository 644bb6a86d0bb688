"""Tests of users with the asynchronous interface."""

from django.test import TestCase

from accounts.models import LoginAttempt, User
from shop.factories import utc


class AsyncUserTests(TestCase):
    async def test_a_user_is_created_and_found(self):
        created = await User.objects.acreate(username="ada", email="ada@example.com")
        found = await User.objects.aget(username="ada")
        self.assertEqual(found, created)

    async def test_attempts_are_read_latest_first(self):
        for hour in (8, 10, 9):
            await LoginAttempt.objects.acreate(username="ada", at=utc(2024, 1, 1, hour))
        hours = [attempt.at.hour async for attempt in LoginAttempt.objects.all()]
        self.assertEqual(hours, [10, 9, 8])

    async def test_a_missing_user_is_an_error(self):
        with self.assertRaises(User.DoesNotExist):
            await User.objects.aget(username="nobody")

    async def test_users_are_counted(self):
        before = await User.objects.acount()
        await User.objects.acreate(username="bob", email="bob@example.com")
        self.assertEqual(await User.objects.acount(), before + 1)

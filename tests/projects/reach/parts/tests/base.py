from django.test import TestCase

from parts.tests import factories


class PartCase(TestCase):
    expected_label = "Bolt"

    @classmethod
    def setUpTestData(cls):
        cls.part = factories.part(maker=factories.maker())

    def assertLabel(self, part):
        self.assertEqual(str(part), self.expected_label)

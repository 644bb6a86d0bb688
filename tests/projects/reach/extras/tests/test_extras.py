from django.test import TestCase


class ColourTests(TestCase):
    def test_colours(self):
        response = self.client.get("/extras/colours/")
        self.assertContains(response, "<li>red</li><li>green</li>")

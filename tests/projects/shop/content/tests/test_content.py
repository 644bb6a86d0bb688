"""Tests of pages, the menu, the blog and the newsletter."""

from unittest import mock

from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from content.models import Attachment, BlogPost, FaqEntry, MenuItem, NewsletterSubscriber, Page
from content.services import cached_faq, is_email, menu_tree, subscribe
from shop.factories import make_product, make_user, utc
from shop.tests.mixins import AdminPagesMixin


class EmailTests(SimpleTestCase):
    def test_addresses_are_recognised(self):
        for text in ("ada@example.com", "a.b+c@mail.example.org"):
            with self.subTest(text=text):
                self.assertTrue(is_email(text))

    def test_other_texts_are_not_addresses(self):
        for text in ("", "ada", "ada@", "@example.com", "a b@example.com"):
            with self.subTest(text=text):
                if not text:
                    self.skipTest("empty texts are stopped by the form")
                self.assertFalse(is_email(text))


class PageTests(TestCase):
    def test_default_pages_are_shown(self):
        for slug in ("imprint", "terms", "privacy", "delivery"):
            with self.subTest(slug=slug):
                self.assertEqual(self.client.get(f"/pages/{slug}/").status_code, 200)

    def test_a_page_shows_its_title(self):
        response = self.client.get("/pages/terms/")
        self.assertContains(response, "<h1>Terms</h1>", html=True)
        self.assertTemplateUsed(response, "content/page.html")

    def test_a_hidden_page_is_not_found(self):
        Page.objects.filter(slug="terms").update(is_public=False)
        self.assertEqual(self.client.get("/pages/terms/").status_code, 404)

    def test_markup_in_a_page_is_escaped(self):
        Page.objects.create(name="Code", slug="code", body="<script>")
        self.assertContains(self.client.get("/pages/code/"), "&lt;script&gt;")


class MenuTests(TestCase):
    def test_the_footer_links_to_the_default_pages(self):
        labels = [item["label"] for item in menu_tree()]
        self.assertEqual(labels, ["Imprint", "Terms", "Privacy", "Delivery"])

    def test_items_are_nested(self):
        parent = MenuItem.objects.create(label="About", position=9)
        MenuItem.objects.create(label="Team", parent=parent)
        tree = menu_tree()[-1]
        self.assertEqual(tree["children"], [{"label": "Team", "children": []}])

    def test_one_query_reads_the_menu(self):
        with self.assertNumQueries(1):
            menu_tree()

    def test_items_go_with_their_page(self):
        Page.objects.get(slug="imprint").delete()
        self.assertEqual(len(menu_tree()), 3)


class FaqTests(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        patcher = mock.patch("content.services.FAQ_KEY", "content:faq-tests")
        patcher.start()
        cls.addClassCleanup(patcher.stop)

    def setUp(self):
        cache.clear()
        self.addCleanup(cache.clear)

    def test_the_first_questions_are_answered(self):
        self.assertEqual(cached_faq()[0][1], "Two to four working days.")

    def test_answers_come_from_the_cache(self):
        cached_faq()
        FaqEntry.objects.all().delete()
        with self.assertNumQueries(0):
            self.assertEqual(len(cached_faq()), 2)

    def test_the_cache_is_empty_in_every_test(self):
        self.assertIsNone(cache.get("content:faq-tests"))


class BlogTests(TestCase):
    fixtures = ["blog"]

    def test_published_posts_are_listed(self):
        self.assertEqual(self.client.get("/blog/").json(), {"posts": ["Opening", "Glazing"]})

    async def test_published_posts_are_listed_asynchronously(self):
        response = await self.async_client.get("/blog/")
        self.assertEqual(response.json()["posts"], ["Opening", "Glazing"])

    def test_offsets_in_a_fixture_are_respected(self):
        self.assertEqual(BlogPost.objects.get(slug="glazing").published_at, utc(2023, 2, 10, 8))

    def test_a_post_is_published_at_its_time(self):
        post = BlogPost.objects.get(slug="opening")
        self.assertFalse(post.is_published_at(utc(2023, 1, 10, 8, 59)))
        self.assertTrue(post.is_published_at(utc(2023, 1, 10, 9)))

    def test_drafts_are_never_published(self):
        self.assertFalse(BlogPost.objects.get(slug="plans").is_published_at(utc(2099, 1, 1)))

    async def test_posts_are_fetched_asynchronously(self):
        post = await BlogPost.objects.aget(slug="plans")
        self.assertEqual(post.body, "Not yet.")

    def test_posts_refer_to_products(self):
        product, post = make_product(), BlogPost.objects.get(slug="opening")
        post.related_products.add(product)
        self.assertEqual(list(product.posts.all()), [post])


class AttachmentTests(TestCase):
    def test_an_attachment_belongs_to_any_object(self):
        for target in (make_product(), make_user(), Page.objects.first()):
            with self.subTest(target=target):
                row = Attachment.objects.create(target=target, title="File", path="file.pdf")
                self.assertEqual(Attachment.objects.get(pk=row.pk).target, target)


class NewsletterTests(TestCase):
    def test_a_subscriber_must_confirm(self):
        self.assertTrue(subscribe("ada@example.com"))
        self.assertFalse(NewsletterSubscriber.objects.get().confirmed)
        self.assertEqual(mail.outbox[0].to, ["ada@example.com"])

    def test_addresses_are_stored_in_small_letters(self):
        subscribe(" Ada@Example.COM ")
        self.assertEqual(NewsletterSubscriber.objects.get().email, "ada@example.com")

    def test_a_second_subscription_sends_no_mail(self):
        subscribe("ada@example.com")
        self.assertFalse(subscribe("ADA@example.com"))
        self.assertEqual(len(mail.outbox), 1)

    def test_a_wrong_address_is_refused(self):
        with self.assertRaises(ValidationError):
            subscribe("ada")

    def test_the_form_reports_a_wrong_address(self):
        response = self.client.post("/newsletter/", {"email": "ada"})
        self.assertEqual(response.status_code, 400)
        self.assertIn("valid email", response.json()["error"])

    def test_the_form_can_be_sent_twice(self):
        codes = [
            self.client.post("/newsletter/", {"email": "a@example.com"}).status_code
            for _ in range(2)
        ]
        self.assertEqual(codes, [201, 200])


class SeededPageTests(TransactionTestCase):
    serialized_rollback = True

    def test_pages_are_loaded_from_the_fixture(self):
        slugs = set(Page.objects.values_list("slug", flat=True))
        self.assertEqual(slugs, {"imprint", "terms", "privacy", "delivery"})

    def test_menu_items_keep_their_pages(self):
        item = MenuItem.objects.select_related("page").get(label="Privacy")
        self.assertEqual(item.page.slug, "privacy")

    def test_pages_are_deleted_with_their_menu(self):
        Page.objects.all().delete()
        self.assertFalse(MenuItem.objects.exists())


class PageAdminTests(AdminPagesMixin, TestCase):
    model = Page


class BlogPostAdminTests(AdminPagesMixin, TestCase):
    model = BlogPost

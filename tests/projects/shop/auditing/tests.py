"""Tests of the audit trail, import jobs and webhooks."""

from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, skipUnlessDBFeature

from auditing.models import AuditEntry, ImportJob, Webhook
from auditing.services import announce, history_of, log, record_attempt
from shop.factories import make_cart, make_product, make_user, utc
from shop.tests.mixins import AdminPagesMixin

NOON = utc(2024, 5, 1, 12)


class AuditTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = make_user()
        cls.product = make_product()

    def test_changes_are_kept(self):
        log(self.user, "changed", self.product, price=["9.00", "10.00"])
        entry = history_of(self.product).get()
        self.assertEqual(entry.changes, {"price": ["9.00", "10.00"]})

    def test_an_entry_leads_to_its_object(self):
        self.assertEqual(log(self.user, "changed", self.product).target, self.product)

    def test_objects_with_random_keys_have_a_history(self):
        cart = make_cart()
        log(self.user, "closed", cart)
        self.assertEqual(history_of(cart).get().object_id, str(cart.pk))

    def test_histories_are_kept_apart(self):
        log(self.user, "changed", self.product)
        self.assertFalse(history_of(self.user).exists())

    def test_entries_survive_their_actor(self):
        actor = make_user()
        entry = log(actor, "changed", self.product)
        actor.delete()
        entry.refresh_from_db()
        self.assertIsNone(entry.actor)

    def test_the_latest_entry_comes_first(self):
        for verb in ("created", "changed", "retired"):
            log(self.user, verb, self.product)
        AuditEntry.objects.update(at=NOON)
        verbs = [entry.verb for entry in history_of(self.product)]
        self.assertEqual(verbs, ["retired", "changed", "created"])

    def test_changes_are_searched(self):
        log(self.user, "changed", self.product, stock={"old": 1, "new": 2})
        log(self.user, "changed", self.product, stock={"old": 1, "new": 3})
        self.assertEqual(AuditEntry.objects.filter(changes__stock__new=3).count(), 1)

    def test_the_type_of_an_object_is_read_once(self):
        history_of(self.product)
        with self.assertNumQueries(0):
            history_of(self.product)


class WebhookTests(SimpleTestCase):
    def test_a_webhook_wants_its_events(self):
        webhook = Webhook(events=["order.placed"])
        self.assertTrue(webhook.wants("order.placed"))
        self.assertFalse(webhook.wants("order.paid"))

    def test_a_star_means_all_events(self):
        self.assertTrue(Webhook(events=["*"]).wants("anything"))

    def test_a_new_webhook_wants_nothing(self):
        self.assertFalse(Webhook().wants("order.placed"))


class DeliveryTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        for name, events in (("erp", ["*"]), ("crm", ["order.placed"]), ("old", [])):
            Webhook.objects.create(name=name, target_url="https://example.com", events=events)

    def test_interested_webhooks_get_the_event(self):
        names = [row.webhook.name for row in announce("order.placed", {"number": "A-1"})]
        self.assertEqual(names, ["crm", "erp"])

    def test_the_payload_is_stored(self):
        delivery = announce("order.paid", {"number": "A-1"})[0]
        delivery.refresh_from_db()
        self.assertEqual(delivery.payload, {"number": "A-1"})

    def test_attempts_are_counted(self):
        delivery = announce("order.paid", {})[0]
        record_attempt(delivery, None)
        record_attempt(delivery, NOON)
        self.assertEqual((delivery.attempts, delivery.delivered_at), (2, NOON))

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_stops_after_ten_attempts(self):
        delivery = announce("order.paid", {})[0]
        for _ in range(10):
            record_attempt(delivery, None)
        with self.assertRaises(IntegrityError), transaction.atomic():
            record_attempt(delivery, None)


class ImportJobTests(TestCase):
    def test_a_running_job_did_not_succeed_yet(self):
        self.assertFalse(ImportJob.objects.create(name="products").succeeded)

    def test_a_finished_job_succeeded(self):
        self.assertTrue(ImportJob.objects.create(name="products", finished_at=NOON).succeeded)

    def test_a_job_with_errors_did_not_succeed(self):
        job = ImportJob(name="products", finished_at=NOON, errors=["line 2: no name"])
        self.assertFalse(job.succeeded)

    async def test_a_job_gets_a_random_key(self):
        job = await ImportJob.objects.acreate(name="products")
        self.assertIsInstance(job.pk, UUID)


class AuditCommitTests(TransactionTestCase):
    def setUp(self):
        ContentType.objects.clear_cache()
        self.addCleanup(ContentType.objects.clear_cache)

    def test_entries_are_written_with_the_change(self):
        product = make_product()
        with transaction.atomic():
            log(None, "changed", product)
        self.assertEqual(history_of(product).count(), 1)

    def test_entries_vanish_with_the_change(self):
        product = make_product()
        with self.assertRaisesMessage(RuntimeError, "no"), transaction.atomic():
            log(None, "changed", product)
            raise RuntimeError("no")
        self.assertFalse(history_of(product).exists())


class AuditEntryAdminTests(AdminPagesMixin, TestCase):
    model = AuditEntry

    def test_entries_cannot_be_changed(self):
        entry = log(self.superuser, "changed", self.clerk)
        self.client.force_login(self.superuser)
        page = f"/admin/auditing/auditentry/{entry.pk}/change/"
        self.assertEqual(self.client.post(page, {"verb": "faked"}).status_code, 403)


class WebhookAdminTests(AdminPagesMixin, TestCase):
    model = Webhook

"""Tests of tickets, their mails, views and commands."""

from io import StringIO

from django.core import mail
from django.core.management import CommandError, call_command
from django.db.models import ProtectedError
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings

from shop.factories import make_department, make_order, make_user, utc
from shop.tests.mixins import AdminPagesMixin, LoginNeededMixin
from support.forms import ContactForm
from support.models import CannedReply, Department, Ticket, TicketLabel
from support.services import answer, close, open_ticket

MAY = utc(2024, 5, 1)


class OpenTicketTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.customer = make_user(email="ada@example.com")
        cls.desk = make_department("sales", email="sales@example.com")

    def test_a_ticket_starts_with_the_message(self):
        ticket = open_ticket(self.customer, "Mug", "Do you have larger ones?")
        self.assertEqual(ticket.messages.get().body, "Do you have larger ones?")

    def test_the_department_is_told(self):
        with self.captureOnCommitCallbacks(execute=True):
            open_ticket(self.customer, "Mug", "Hello")
        self.assertEqual(mail.outbox[0].to, ["sales@example.com"])
        self.assertEqual(mail.outbox[0].reply_to, ["ada@example.com"])

    def test_a_department_without_address_is_not_told(self):
        with self.captureOnCommitCallbacks() as callbacks:
            open_ticket(self.customer, "Mug", "Hello", department="billing")
        self.assertEqual(callbacks, [])

    def test_an_unknown_department_is_an_error(self):
        with self.assertRaises(Department.DoesNotExist):
            open_ticket(self.customer, "Mug", "Hello", department="space")

    def test_a_department_with_tickets_cannot_be_deleted(self):
        open_ticket(self.customer, "Mug", "Hello")
        with self.assertRaises(ProtectedError):
            self.desk.delete()


class TicketTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.agent = make_user(is_staff=True)
        cls.ticket = open_ticket(make_user(email="ada@example.com"), "Mug", "Hello")

    def test_an_answer_is_mailed(self):
        answer(self.ticket, self.agent, "Yes, we do.")
        self.assertEqual(
            (mail.outbox[0].subject, mail.outbox[0].to), ("Re: Mug", ["ada@example.com"])
        )

    def test_an_answered_ticket_waits(self):
        answer(self.ticket, self.agent, "Yes, we do.")
        self.assertEqual(self.ticket.status, Ticket.Status.PENDING)

    def test_an_internal_message_is_not_mailed(self):
        answer(self.ticket, self.agent, "Difficult.", internal=True)
        self.assertEqual((mail.outbox, self.ticket.status), ([], "open"))

    def test_a_closed_ticket_cannot_be_answered(self):
        close(self.ticket, MAY)
        with self.assertRaisesMessage(ValueError, "closed"):
            answer(self.ticket, self.agent, "Hello?")

    @override_settings(DEFAULT_FROM_EMAIL="desk@example.com")
    def test_the_sender_can_be_configured(self):
        answer(self.ticket, self.agent, "Yes")
        self.assertEqual(mail.outbox[0].from_email, "desk@example.com")

    def test_closed_tickets_do_not_wait(self):
        close(self.ticket, MAY)
        self.assertFalse(Ticket.objects.waiting().exists())

    def test_urgent_tickets_come_first(self):
        urgent = open_ticket(make_user(), "Fire", "Help")
        urgent.priority = Ticket.Priority.HIGH
        urgent.save()
        self.assertEqual(list(Ticket.objects.all()), [urgent, self.ticket])

    def test_tickets_survive_their_order(self):
        self.ticket.order = make_order(self.ticket.customer)
        self.ticket.save()
        self.ticket.order.delete()
        self.ticket.refresh_from_db()
        self.assertIsNone(self.ticket.order)

    def test_tickets_are_found_by_label(self):
        self.ticket.labels.add(TicketLabel.objects.create(name="angry"))
        self.assertEqual(Ticket.objects.get(labels__name="angry"), self.ticket)


class CannedReplyTests(SimpleTestCase):
    def test_placeholders_are_filled(self):
        reply = CannedReply(body="Dear {name}, thanks.")
        self.assertEqual(reply.render(name="Ada"), "Dear Ada, thanks.")

    def test_a_missing_value_is_an_error(self):
        with self.assertRaises(KeyError):
            CannedReply(body="Dear {name}").render()

    def test_replies_with_attachments(self):
        self.skipTest("attachments are planned for next year")


class ContactFormTests(TestCase):
    def errors(self, **changes):
        data = {"department": "sales", "subject": "Mug", "body": "Hello", **changes}
        return dict(ContactForm(data).errors)

    def test_a_complete_form_is_valid(self):
        self.assertEqual(self.errors(), {})

    def test_every_field_is_needed(self):
        for field in ("department", "subject", "body"):
            with self.subTest(field=field):
                self.assertEqual(list(self.errors(**{field: ""})), [field])

    def test_shouting_is_refused(self):
        self.assertEqual(self.errors(subject="HELP")["subject"], ["Please do not shout."])

    def test_an_unknown_department_is_refused(self):
        self.assertIn("department", self.errors(department="space"))

    def test_long_subjects_are_refused(self):
        self.assertIn("subject", self.errors(subject="x" * 201))


class SupportViewTests(LoginNeededMixin, TestCase):
    needs_login = "/support/tickets/"

    @classmethod
    def setUpTestData(cls):
        cls.user = make_user()

    def test_customers_see_their_own_tickets(self):
        open_ticket(self.user, "Mine", "Hello")
        open_ticket(make_user(), "Other", "Hello")
        self.client.force_login(self.user)
        self.assertEqual(self.client.get(self.needs_login).json(), {"tickets": ["Mine"]})

    def test_a_ticket_is_opened_by_form(self):
        self.client.force_login(self.user)
        data = {"department": "returns", "subject": "Broken", "body": "In two pieces"}
        self.assertEqual(self.client.post("/support/contact/", data).status_code, 201)
        self.assertEqual(self.user.tickets.get().department.code, "returns")

    def test_errors_are_reported(self):
        self.client.force_login(self.user)
        response = self.client.post("/support/contact/", {"subject": "Broken"})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(set(response.json()["errors"]), {"department", "body"})


class CloseStaleTicketsTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.old = open_ticket(make_user(), "Old", "Hello")
        cls.new = open_ticket(make_user(), "New", "Hello")
        Ticket.objects.update(status=Ticket.Status.PENDING, created_at=MAY)
        Ticket.objects.filter(pk=cls.old.pk).update(created_at=utc(2024, 4, 1))

    def run_command(self, *args, **options):
        out = StringIO()
        call_command("close_stale_tickets", *args, stdout=out, **options)
        return out.getvalue().split("\n")[:-1]

    def test_old_tickets_are_closed(self):
        self.assertEqual(self.run_command("2024-05-01"), ["closed: Old"])
        self.old.refresh_from_db()
        self.assertEqual(self.old.closed_at, MAY)

    def test_a_dry_run_changes_nothing(self):
        self.run_command("2024-06-01", dry_run=True)
        self.assertEqual(Ticket.objects.waiting().count(), 2)

    def test_open_tickets_are_kept(self):
        Ticket.objects.update(status=Ticket.Status.OPEN)
        self.assertEqual(self.run_command("2024-06-01"), [])

    def test_a_wrong_day_is_an_error(self):
        with self.assertRaisesMessage(CommandError, "not a day"):
            self.run_command("tomorrow")


class SeededSupportTests(TransactionTestCase):
    serialized_rollback = True

    def test_departments_exist(self):
        codes = list(Department.objects.values_list("code", flat=True))
        self.assertEqual(codes, ["billing", "returns", "sales"])

    def test_the_first_reply_can_be_used(self):
        text = CannedReply.objects.get(title="Refund sent").render(name="Ada", amount="5 EUR")
        self.assertEqual(text, "Dear Ada, we have sent you 5 EUR.")

    def test_a_new_department_gets_a_free_key(self):
        self.assertIsNotNone(Department.objects.create(code="press", name="Press").pk)


class TicketAdminTests(AdminPagesMixin, TestCase):
    model = Ticket

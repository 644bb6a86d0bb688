"""Opening, answering and closing tickets."""

from datetime import datetime

from django.core.mail import EmailMessage
from django.db import transaction

from support.models import Department, Ticket, TicketMessage


@transaction.atomic
def open_ticket(customer, subject: str, body: str, department: str = "sales") -> Ticket:
    """Open a ticket with its first message and tell the department about it."""
    desk = Department.objects.get(code=department)
    ticket = Ticket.objects.create(customer=customer, subject=subject, department=desk)
    ticket.messages.create(author=customer, body=body)
    if desk.email:
        message = EmailMessage(
            subject=f"New ticket: {subject}", body=body, to=[desk.email], reply_to=[customer.email]
        )
        transaction.on_commit(message.send)
    return ticket


def answer(ticket: Ticket, agent, body: str, internal: bool = False) -> TicketMessage:
    """Answer a ticket; public answers are mailed and make the ticket wait."""
    if ticket.status == Ticket.Status.CLOSED:
        raise ValueError("The ticket is closed.")
    message = ticket.messages.create(author=agent, body=body, internal=internal)
    if not internal:
        ticket.status = Ticket.Status.PENDING
        ticket.save(update_fields=["status", "updated_at"])
        EmailMessage(subject=f"Re: {ticket.subject}", body=body, to=[ticket.customer.email]).send()
    return message


def close(ticket: Ticket, at: datetime) -> None:
    ticket.status = Ticket.Status.CLOSED
    ticket.closed_at = at
    ticket.save(update_fields=["status", "closed_at", "updated_at"])

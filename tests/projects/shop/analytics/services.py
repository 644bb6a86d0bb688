"""Recording of visits and figures of sales."""

from datetime import date, datetime, time, timedelta, timezone

from django.db import transaction

from analytics.models import DailySales, PageView, SearchQuery
from orders.models import Order


def record_view(path: str, user=None, product=None, **query: str) -> PageView:
    """Store a page view; anonymous visitors have no user."""
    known = user if user is not None and user.is_authenticated else None
    return PageView.objects.create(path=path, user=known, product=product, query=query)


def record_search(text: str, results: int) -> SearchQuery:
    return SearchQuery.objects.create(text=text.lower()[:120], results=results)


@transaction.atomic
def rebuild_daily_sales(day: date) -> list[DailySales]:
    """Compute the sales of one day (UTC) anew, one row for each currency."""
    DailySales.objects.filter(day=day).delete()
    start = datetime.combine(day, time.min, tzinfo=timezone.utc)
    orders = Order.objects.filter(placed_at__gte=start, placed_at__lt=start + timedelta(days=1))
    rows: dict[str, DailySales] = {}
    for order in orders.exclude(status=Order.Status.CANCELLED).prefetch_related("lines"):
        row = rows.setdefault(order.currency_id, DailySales(day=day, currency_id=order.currency_id))
        row.order_count += 1
        row.revenue += order.total
    return DailySales.objects.bulk_create(rows[code] for code in sorted(rows))

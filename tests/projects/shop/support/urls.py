"""URLs of the support desk."""

from django.urls import path

from support import views

app_name = "support"
urlpatterns = [
    path("tickets/", views.TicketListView.as_view(), name="tickets"),
    path("contact/", views.contact, name="contact"),
]

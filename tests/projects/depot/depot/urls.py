"""URLs of the depots."""

from django.urls import path

from legacy import views

urlpatterns = [
    path("customers/<int:number>/rename/", views.rename),
]

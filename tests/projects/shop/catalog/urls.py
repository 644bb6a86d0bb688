"""URLs of the catalogue."""

from django.urls import path

from catalog import views

app_name = "catalog"
urlpatterns = [
    path("", views.product_list, name="product-list"),
    path("menu/", views.menu, name="menu"),
    path("<slug:slug>/", views.product_detail, name="product-detail"),
]

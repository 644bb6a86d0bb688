"""URLs of pages and the newsletter."""

from django.urls import path

from content import views

app_name = "content"
urlpatterns = [
    path("newsletter/", views.newsletter, name="newsletter"),
    path("pages/<slug:slug>/", views.page, name="page"),
    path("blog/", views.blog, name="blog"),
]

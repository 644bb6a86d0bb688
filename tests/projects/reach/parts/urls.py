from django.urls import path

from parts import views

urlpatterns = [
    path("", views.PartList.as_view(), name="parts"),
    path("<int:pk>/", views.detail, name="part"),
    path("create/", views.create, name="create"),
    path("ping/", views.ping, name="ping"),
]

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("parts/", include("parts.urls")),
    path("extras/", include("extras.urls")),
]

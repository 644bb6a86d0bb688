from django.urls import path

from extras import views

app_name = "extras"
urlpatterns = [path("colours/", views.colours, name="colours")]

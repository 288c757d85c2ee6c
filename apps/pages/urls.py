"""The addresses of the pages."""

from django.urls import path

from apps.pages import views

app_name = "pages"

urlpatterns = [
    path("style/", views.style, name="style"),
]

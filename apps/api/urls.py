"""The addresses of this face."""

from django.urls import URLPattern

app_name = "api"

urlpatterns: list[URLPattern] = []

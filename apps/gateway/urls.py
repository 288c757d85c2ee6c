"""The addresses that OpenAI's clients know."""

from django.urls import path

from apps.gateway import views

app_name = "gateway"

urlpatterns = [
    path("models", views.models, name="models"),
    path("chat/completions", views.chat_completions, name="chat_completions"),
]

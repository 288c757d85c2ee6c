"""Every address of the site: health for machines, then the three faces."""

from allauth.account import views as signing
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from flywheel import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("apps.api.urls")),
    path("v1/", include("apps.gateway.urls")),
    path("account/login/", RedirectView.as_view(url="/sign-in", query_string=True)),
    path("account/signup/", RedirectView.as_view(url="/sign-up", query_string=True)),
    path("account/", include("allauth.urls")),
    # The last of one name is the address that allauth itself leads to.
    path("sign-in", signing.login, name="account_login"),
    path("sign-up", signing.signup, name="account_signup"),
    path("sign-out", signing.logout, name="account_logout"),
    path("", include("apps.pages.urls")),
]

handler400 = "flywheel.refusals.unreadable"
handler404 = "flywheel.refusals.nowhere"
handler500 = "flywheel.refusals.broken"

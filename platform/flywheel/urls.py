"""Every address of the site: health for machines, then the three faces."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from flywheel import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("apps.api.urls")),
    path("v1/", include("apps.gateway.urls")),
    path("", include("apps.pages.urls")),
]

"""Nothing is edited behind the record's back, so Django's admin holds no model of anybody.

What allauth registers (addresses, authenticators, sessions) would let whoever has the admin take
over any account; this room opens after theirs and clears the table.
"""

from __future__ import annotations

from django.contrib import admin

for model in list(admin.site._registry):
    admin.site.unregister(model)

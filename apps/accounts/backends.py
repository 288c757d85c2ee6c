"""Who may hold a session of the site: people."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend

from apps.accounts.models import Account, Role


class PeopleOnly(AuthenticationBackend):
    """By name or e-mail and password; a service account has neither password nor session."""

    def user_can_authenticate(self, user: Account) -> bool:
        return super().user_can_authenticate(user) and user.role != Role.SERVICE

    def get_user(self, user_id: int) -> Account | None:
        """Asked at each request, so a session that somehow exists ends here."""
        user: Account | None = super().get_user(user_id)
        return None if user is None or user.role == Role.SERVICE else user

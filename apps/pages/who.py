"""Who is looking at a page."""

from django.http import HttpRequest

from apps.accounts.models import Account


def signed_in(request: HttpRequest) -> Account | None:
    """The visitor's account; None for a visitor without one."""
    return request.user if isinstance(request.user, Account) else None


def account_of(request: HttpRequest) -> Account:
    """The visitor's account, on a page that only those who signed in can open."""
    account = signed_in(request)
    if account is None:
        raise PermissionError("this page needs an account")
    return account

"""What people type to sign in and up; django-allauth does the rest."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, SignupForm
from allauth.socialaccount.forms import SignupForm as ElsewhereForm
from django.forms import Form
from django.utils.translation import gettext_lazy as _


def _named(form: Form) -> None:
    """Our words for the fields, and no placeholder that vanishes while one types."""
    words: dict[str, tuple[Any, Any]] = {
        "username": (_("Name"), _("Everyone sees it beside your PRs. A pseudonym is fine.")),
        "email": (_("E-mail"), _("For a forgotten password and news of your PRs; no one sees it.")),
        "password1": (_("Password"), _("At least 12 characters.")),
        "login": (_("Name or e-mail"), ""),
        "password": (_("Password"), ""),
    }  # fmt: skip
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        if name in words:
            field.label, field.help_text = words[name]
    for name in {"username", "login"} & set(form.fields):
        form.fields[name].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}


class SignIn(LoginForm):
    """Name or e-mail, and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autofocus": True}
        _named(self)


class SignUp(SignupForm):
    """A new account."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _named(self)


class SignUpElsewhere(ElsewhereForm):
    """A new account for somebody who comes from GitHub or another provider."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _named(self)

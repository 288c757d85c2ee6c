"""Who acts: accounts with one role each, and the scoped tokens that act for them."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """The trust ladder; whatever the role, nobody acts on their own work."""

    CONTRIBUTOR = "contributor", _("Contributor")
    TRUSTED = "trusted", _("Trusted contributor")
    REVIEWER = "reviewer", _("Reviewer")
    MAINTAINER = "maintainer", _("Maintainer")
    RELEASE_MANAGER = "release_manager", _("Release manager")
    ADMIN = "admin", _("Administrator")
    SERVICE = "service", _("Service account")


class Scope(models.TextChoices):
    """What a token may be used for; the account's role still applies."""

    CONTRIBUTE = "contribute", _("Send and read contributions")
    FEEDBACK = "feedback", _("Send outcomes of answers")
    CHAT = "chat", _("Ask the served model")
    REVIEW = "review", _("Decide on contributions")
    RELEASE = "release", _("Start builds and rollouts")
    ADMIN = "admin", _("Grant roles")


class Account(AbstractUser):
    """A person or a service under a handle (`username`); pseudonyms are fine."""

    role = models.CharField(max_length=20, choices=Role, default=Role.CONTRIBUTOR)
    # WCAG 2.1.4: who dictates or trembles must be able to switch single-letter shortcuts off.
    single_keys = models.BooleanField(default=True)
    # In which mail is written to them; empty until they pick one (a code of LANGUAGES).
    language = models.CharField(max_length=12, blank=True)
    # A service account belongs to a person, who made it and answers for it.
    owner = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="services"
    )

    class Meta:
        constraints = [
            # Upper, because that is what `iexact` compiles to: the same index answers sign-in.
            models.UniqueConstraint(Upper("username"), name="accounts_one_spelling"),
            models.CheckConstraint(
                condition=models.Q(role=Role.SERVICE) | models.Q(owner=None),
                name="accounts_people_have_no_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.username


class Affiliation(models.Model):
    """That an account's person belongs to an organisation; `history.affiliations` writes it.

    Nobody decides on the work of their own organisation, so it is spelt in one way: as it sounds
    in lower case.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="affiliations")
    organisation = models.CharField(max_length=120, db_index=True)
    began_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(ended_at=None),
                name="accounts_one_organisation_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} of {self.organisation}"


class Token(models.Model):
    """A personal access token: only its SHA-256 is kept, the text is shown once."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.GenericIPAddressField(null=True, help_text="Its owner alone sees it")
    revoked_at = models.DateTimeField(null=True)
    revoked_because = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.account}"

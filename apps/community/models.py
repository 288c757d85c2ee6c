"""Who is told what: notices for people, webhooks for programs, and how far the record is read."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.history.models import Event


class Reading(models.Model):
    """How far a reader has come in the record; each event is told once by each reader."""

    reader = models.CharField(max_length=40, unique=True)
    event_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reader} at event {self.event_id}"


class Reason(models.TextChoices):
    """Why somebody is told of something, the strongest reason first."""

    MENTIONED = "mentioned", _("You were mentioned")
    AUTHOR = "author", _("It is your PR")
    TOOK_PART = "took_part", _("You took part")
    WATCHING = "watching", _("You watch this PR")


class Subscription(models.Model):
    """Somebody follows a PR that is not theirs, or wants to hear no more of one (`muted`)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="subscriptions")
    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=10, choices=Reason, default=Reason.WATCHING)
    muted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "contribution"], name="community_subscribed_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} {'mutes' if self.muted else 'follows'} {self.contribution}"


class Notice(models.Model):
    """One line of somebody's inbox: an event, the PR it is about, and why they are told."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="notices")
    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=10, choices=Reason)
    read_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    saved = models.BooleanField(default=False)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "event", "contribution"], name="community_told_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "-id"],
                condition=models.Q(done_at__isnull=True),
                name="community_inbox",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} is told of {self.event}"


class MailWish(models.Model):
    """Whether somebody wants mail at all; without a line they do, where they gave an address."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="mail_wish")
    wanted = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.account} {'wants' if self.wanted else 'wants no'} mail"


class Endpoint(models.Model):
    """A webhook: where events are sent, signed as Standard Webhooks 1.0.0 has it.

    Keys are kept encrypted, since signing needs them in clear. While `old_key` is set, each message
    carries two signatures, so that a receiver can change keys without losing one.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="endpoints")
    url = models.URLField(max_length=500)
    wants = ArrayField(models.CharField(max_length=60), default=list)
    own_only = models.BooleanField(default=False, help_text="Only what is about one's own PRs")
    algorithm = models.CharField(max_length=4, default="v1", help_text="v1 HMAC, v1a ed25519")
    key = models.BinaryField()
    old_key = models.BinaryField(null=True)
    old_key_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    failing_since = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_because = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    @property
    def public_id(self) -> str:
        """The id that leaves the house, `we_3`."""
        return f"we_{self.pk}"


class Dispatch(models.Model):
    """One message to one endpoint: its body as it is signed, and every try so far.

    At every face it is called a delivery, as webhooks everywhere call it. Here that word belongs to
    the feedback that is delivered to us (`traces.Delivery`).
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    # The same at each try and each replay: by it a receiver knows what it has seen.
    message_id = models.CharField(max_length=60)
    kind = models.CharField(max_length=60)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, help_text="Empty when it is done or given up")
    delivered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status of the last try")
    answer = models.CharField(max_length=500, blank=True, help_text="What the last try met")

    class Meta:
        # What it was called before; a rename of the table would lock it for nothing.
        db_table = "community_delivery"
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="community_deliveries_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.endpoint}"

    @property
    def public_id(self) -> str:
        """The id that leaves the house, `dlv_12`."""
        return f"dlv_{self.pk}"

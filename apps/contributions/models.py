"""What people offer: a contribution (a PR), its revisions and its rows."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.stages import CONTRIBUTION, Stage
from apps.skills.models import ModelLine, Skill
from apps.traces.models import Trace


class Kind(models.TextChoices):
    """What is offered; it decides which fields a row must have."""

    CORRECTION = "correction", _("Correction of an answer")
    DATASET = "dataset", _("Fine-tuning data")
    PREFERENCE = "preference", _("Preference pairs")
    RATING = "rating", _("Ratings")


class Consent(models.TextChoices):
    """What the contributor lets be done with the rows, from least to most.

    Who may read and which build may use follows from it; see `rules.may_see_rows` and
    `builds.queries.waiting_for_a_build`.
    """

    RATE = "rate", _("Count the verdict; only those who decide read the texts")
    EVALUATE = "evaluate", _("Measure with it, never train on it")
    REVIEW = "review", _("Let reviewers read it")
    TRAIN = "train", _("Train on it")


class Licence(models.TextChoices):
    """The licences that can be picked (SPDX ids); a line's policy says which it takes."""

    CC0 = "CC0-1.0", _("CC0 1.0 (public domain)")
    CC_BY = "CC-BY-4.0", _("CC BY 4.0")
    APACHE = "Apache-2.0", _("Apache 2.0")
    MIT = "MIT", _("MIT")
    CC_BY_SA = "CC-BY-SA-4.0", _("CC BY-SA 4.0")
    CC_BY_NC = "CC-BY-NC-4.0", _("CC BY-NC 4.0 (non-commercial)")
    PROPRIETARY = "LicenseRef-proprietary", _("Proprietary")


class Contribution(models.Model):
    """A PR: some rows by one author for one skill, with terms, stage and revisions.

    Its number is its primary key. `digest` names the content of the current revision; an
    approval binds to it.
    """

    STAGES = CONTRIBUTION

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="contributions")
    skill = models.ForeignKey(Skill, null=True, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contributions")
    kind = models.CharField(max_length=12, choices=Kind)
    title = models.CharField(max_length=160)
    description = models.TextField(blank=True)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.DRAFT)
    licence = models.CharField(max_length=30, choices=Licence)
    consent = models.CharField(max_length=10, choices=Consent)
    signed_off = models.BooleanField(default=False)
    source = models.CharField(max_length=80, blank=True, help_text="Where it came in: web, api …")
    batch = models.CharField(max_length=80, blank=True, help_text="The sender's own name for it")
    revision = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    # A PR that takes another's rows back out has no rows of its own.
    reverts = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="reverted_by"
    )
    locked = models.BooleanField(default=False, help_text="Only the team may go on talking")
    # Kept by a trigger of the database, whatever changes the row.
    touched_at = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["stage", "id"], name="contributions_stage"),
            models.Index(fields=["author", "-id"], name="contributions_author"),
            # A day's quota is looked up at each offer.
            models.Index(fields=["author", "created_at"], name="contributions_author_day"),
            models.Index(fields=["touched_at", "id"], name="contributions_touched"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "batch"],
                condition=~models.Q(batch=""),
                name="contributions_batch_once",
            ),
            models.UniqueConstraint(
                fields=["reverts"],
                condition=~models.Q(stage__in=[Stage.REJECTED, Stage.WITHDRAWN]),
                name="contributions_reverted_once",
            ),
        ]

    def __str__(self) -> str:
        return f"PR {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("pages:contribution", args=[self.pk])


class Revision(models.Model):
    """One version of a contribution's rows, with what could not be kept of it."""

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="revisions"
    )
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    refused = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "number"], name="contributions_revision_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contribution} revision {self.number}"


class Row(models.Model):
    """One row of one revision; which fields are filled depends on the contribution's kind.

    correction, dataset: prompt, completion (and the original answer of a correction);
    preference: prompt, chosen, rejected; rating: prompt, completion, and label or stars or both.
    """

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    skill = models.ForeignKey(Skill, null=True, on_delete=models.PROTECT, related_name="+")
    context = models.JSONField(default=list, help_text="Earlier turns, as role and content")
    prompt = models.TextField()
    completion = models.TextField(blank=True)
    chosen = models.TextField(blank=True)
    rejected = models.TextField(blank=True)
    label = models.BooleanField(null=True)
    stars = models.PositiveSmallIntegerField(null=True)
    original = models.TextField(blank=True)
    trace = models.ForeignKey(Trace, null=True, on_delete=models.SET_NULL, related_name="+")
    client_id = models.CharField(max_length=80, blank=True)
    # The number of the row of feedback that it was gathered from (`fb_…`).
    feedback = models.BigIntegerField(null=True)
    digest = models.CharField(max_length=64, db_index=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "position"], name="contributions_position_once"
            ),
            models.CheckConstraint(
                condition=Q(stars=None) | Q(stars__range=(1, 5)), name="contributions_stars"
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.position + 1} of {self.revision}"

    @property
    def answer(self) -> str:
        """The text that the contributor holds to be right (or, of a rating, the one judged)."""
        return self.chosen or self.completion


class Gathering(models.Model):
    """The feedback of one sender, source, skill and day that became one PR; see `gathering`."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    source = models.CharField(max_length=80, blank=True)
    skill = models.ForeignKey(Skill, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    licence = models.CharField(max_length=30)
    consent = models.CharField(max_length=10)
    part = models.PositiveIntegerField(default=1, help_text="Of a group too large for one PR")
    rows = models.PositiveIntegerField()
    # None where no row of the group could be kept.
    contribution = models.OneToOneField(
        Contribution, null=True, on_delete=models.PROTECT, related_name="gathering"
    )
    gathered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("account", "day", "source", "skill", "kind", "licence", "consent", "part")
                ],
                nulls_distinct=False,
                name="contributions_gathered_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account}, {self.day}"


class GatheredDay(models.Model):
    """A day (UTC) whose feedback is gathered, all of it."""

    day = models.DateField(primary_key=True)

    def __str__(self) -> str:
        return str(self.day)


class Draft(models.Model):
    """What somebody is writing and has not sent. A stranger's hangs on a key in their browser.

    `fields` holds what was typed, by the name of the field. Whoever saves must name the version
    they saw, or be the tab that saved last; what comes from elsewhere becomes an `Aside`.
    """

    key = models.CharField(max_length=40, unique=True)
    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    visitor = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the browser's key")
    kind = models.CharField(max_length=12, choices=Kind)
    rows_are = models.CharField(max_length=12, choices=Kind, default=Kind.DATASET)
    start = models.CharField(max_length=80, blank=True, help_text="What it began from: tr_42 …")
    fields = models.JSONField(default=dict)
    context = models.JSONField(default=list, help_text="Earlier turns, as role and content")
    version = models.PositiveIntegerField(default=1)
    tab = models.CharField(max_length=40, blank=True, help_text="Which tab saved last")
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField()
    sent_as = models.ForeignKey(Contribution, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["account", "-touched_at"], name="contributions_drafts_of"),
            models.Index(
                fields=["visitor", "-touched_at"],
                condition=~Q(visitor=""),
                name="contributions_drafts_here",
            ),
            models.Index(fields=["touched_at"], name="contributions_drafts_left"),
        ]

    def __str__(self) -> str:
        return f"draft {self.key[:8]}"

    def get_absolute_url(self) -> str:
        return f"{reverse('pages:submit')}?draft={self.key}"


class DraftRow(models.Model):
    """A row of a draft: what was given, and what is wrong with it, if anything."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="rows")
    uid = models.CharField(max_length=40, help_text="The row's name in the tables of all tabs")
    position = models.PositiveIntegerField()
    place = models.PositiveIntegerField(default=0, help_text="Line of the file; 0 when typed")
    given = models.JSONField()
    fault = models.JSONField(null=True, help_text="code, field, detail and mend")

    class Meta:
        ordering = ["position", "pk"]
        indexes = [models.Index(fields=["draft", "position"], name="contributions_draft_rows")]

    def __str__(self) -> str:
        return f"row {self.position + 1} of {self.draft}"


class Aside(models.Model):
    """What a second tab had typed when it came too late; kept, so that nothing is lost."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="asides")
    fields = models.JSONField()
    context = models.JSONField(default=list)
    window = models.JSONField(null=True, help_text="The rows that stood in that tab's table")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"what was kept aside of {self.draft}"


class Pair(models.Model):
    """Two answers to one question, to be compared blind; who asked it is the only one to see it."""

    key = models.CharField(max_length=40, unique=True)
    a = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    b = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    visitor = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"pair {self.key[:8]}"


class Vote(models.Model):
    """What somebody says of an answer they got, or of a pair; a stranger's weighs nothing."""

    class Verdict(models.TextChoices):
        GOOD = "good", _("Good")
        BAD = "bad", _("Wrong")
        A = "a", _("A is better")
        B = "b", _("B is better")
        TIE = "tie", _("Equally good")
        BOTH_BAD = "both_bad", _("Both are bad")

    trace = models.ForeignKey(Trace, null=True, on_delete=models.CASCADE, related_name="+")
    pair = models.ForeignKey(Pair, null=True, on_delete=models.CASCADE, related_name="votes")
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    visitor = models.CharField(max_length=64, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict)
    stars = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(trace=None) ^ Q(pair=None), name="contributions_vote_on_one_thing"
            ),
            # Only who asked may vote, so a vote on a thing is one vote, whoever they are by then.
            models.UniqueConstraint(fields=["trace"], name="contributions_one_vote_an_answer"),
            models.UniqueConstraint(fields=["pair"], name="contributions_one_vote_a_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} on {self.trace or self.pair}"


# The discussion has a room of its own; its tables belong to this app all the same.
from apps.contributions.discussion.models import Comment  # noqa: E402

__all__ = [
    "Aside",
    "Comment",
    "Consent",
    "Contribution",
    "Draft",
    "DraftRow",
    "GatheredDay",
    "Gathering",
    "Kind",
    "Licence",
    "Pair",
    "Revision",
    "Row",
    "Vote",
]

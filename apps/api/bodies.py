"""What a body may say: the writable fields of each address, and nothing else."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.models import Role, Scope
from apps.api.ids import Number
from apps.builds.models import Build
from apps.contributions.discussion.actions import LONGEST_COMMENT
from apps.contributions.models import Consent, Contribution, Licence
from apps.contributions.models import Kind as RowKind
from apps.reviews.desk.models import Outcome
from apps.reviews.desk.models import Reason as RejectedFor
from apps.reviews.models import Skip, Verdict


class Body(serializers.Serializer[Any]):
    """An object whose unknown fields are refused, since a misspelt one would be lost in silence."""

    default_error_messages = {"invalid": "this is not an object"}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (
            unknown := [name for name in data if name not in self.fields]
        ):
            choice = ", ".join(self.fields)
            detail = f"there is no field “{unknown[0][:40]}” here; there are {choice}"
            fault = serializers.ErrorDetail(detail, code="unknown_field")
            raise serializers.ValidationError({unknown[0][:40]: [fault]})
        return super().to_internal_value(data)


class Exactly(serializers.BooleanField):
    """true or false; neither "yes" nor 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("this is not true or false", code="not_a_boolean")
        return data


class Words(serializers.CharField):
    """Text; a number is not taken for its digits, and white space around it counts as sent."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("this is not text", code="not_text")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole number; digits in quotation marks are not taken for one."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("this is not a whole number", code="not_a_number")
        return super().to_internal_value(data)


class MailAddress(Words, serializers.EmailField):
    """Where mail reaches somebody."""


class OneOf(serializers.ChoiceField):
    """One of a few words; a refusal lists them."""

    def fail(self, key: str, **shown: Any) -> Any:
        choice = ", ".join(map(str, self.choices))
        said = f"“{str(shown['input'])[:40]}”" if "input" in shown else "nothing"
        raise serializers.ValidationError(f"{said} is not one of {choice}", code=key)


class Anything(serializers.Field[Any, Any, Any, Any]):
    """A list that is judged row by row elsewhere."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError("this is not a list", code="not_a_list")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class TokenWish(Body):
    """What a new token shall be good for."""

    name = Words(max_length=80, default="token")
    scopes = serializers.ListField(child=OneOf(Scope.choices), allow_empty=False)
    days = Whole(min_value=1, max_value=366, default=90)


class SignUp(Body):
    """A new account, and its first token where one is asked for."""

    name = Words(max_length=150)
    password = Words(max_length=200, trim_whitespace=False)
    email = MailAddress(default="", allow_blank=True)
    token = TokenWish(required=False)


class SignIn(TokenWish):
    """A new token, by password or by the session of the site's pages."""

    username = Words(max_length=150, required=False)
    password = Words(max_length=200, trim_whitespace=False, required=False)


class Leak(Body):
    """A token that a scanner found, in the words of GitHub's secret scanning."""

    token = serializers.CharField(max_length=200)
    type = serializers.CharField(max_length=200, required=False, allow_blank=True)
    url = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    source = serializers.CharField(max_length=200, required=False, allow_blank=True)  # type: ignore[assignment]


class RoleGiven(Body):
    """The role that an account shall have."""

    role = OneOf(Role.choices)
    because = Words(max_length=10_000, default="", allow_blank=True)


class ServiceWish(Body):
    """A new service account, and its first token where one is asked for."""

    name = Words(max_length=150)
    token = TokenWish(required=False)


class Header(Body):
    """Everything about a contribution except its rows."""

    kind = OneOf(RowKind.choices, required=False)
    title = Words(max_length=160, default="", allow_blank=True)
    skill = Words(max_length=80, required=False, allow_null=True)
    description = Words(max_length=20_000, default="", allow_blank=True)
    licence = OneOf(Licence.choices)
    consent = OneOf(Consent.choices)
    signed_off = Exactly()
    batch = Words(max_length=80, default="", allow_blank=True)


class FeedbackHeader(Body):
    """What holds for all rows of a delivery of feedback."""

    source = Words(max_length=80, required=False, allow_blank=True)  # type: ignore[assignment]
    skill = Words(max_length=80, required=False, allow_null=True)
    licence = OneOf(Licence.choices, required=False)
    consent = OneOf(Consent.choices, required=False)
    signed_off = Exactly(required=False)


class TermsGiven(Body):
    """Terms for everything that one sends from now on."""

    licence = OneOf(Licence.choices)
    consent = OneOf(Consent.choices)
    signed_off = Exactly()


class Offer(Header):
    """One contribution with its rows."""

    rows = Anything()


class Edit(Body):
    """The words and the skill of a contribution; what is left out stays as it is."""

    title = Words(max_length=160, required=False)
    description = Words(max_length=20_000, required=False, allow_blank=True)
    skill = Words(max_length=80, required=False)


class NewRevision(Body):
    """Rows that take the place of the earlier ones."""

    rows = Anything()
    note = Words(max_length=2000, default="", allow_blank=True)


class Remark(Body):
    """A line of the discussion."""

    text = Words(max_length=LONGEST_COMMENT)


class Reason(Body):
    """Why; it goes on record."""

    because = Words(max_length=2000)


class PerhapsReason(Body):
    """Why, where the caller wants to say so."""

    because = Words(max_length=2000, default="", allow_blank=True)


class DecisionTaken(Body):
    """A verdict on the content that was read: `digest` is the contribution's at that time."""

    verdict = OneOf(Verdict.choices)
    digest = Words(max_length=64)
    because = Words(max_length=2000, default="", allow_blank=True)
    next = Exactly(default=False)
    # Of a rejection: the reason from the list, by which its author learns the way back.
    reason = OneOf(RejectedFor.choices, default=RejectedFor.OTHER)


class Skipped(Body):
    """Why a reviewer passes an item on."""

    why = OneOf(Skip.Why.choices)
    because = Words(max_length=2000, default="", allow_blank=True)


class AppealMade(Body):
    """Why a rejection is wrong, in its author's own words."""

    words = Words(max_length=4000)


class AppealHeard(Body):
    """What becomes of an appeal, and why."""

    outcome = OneOf(Outcome.choices)
    because = Words(max_length=2000)


class HabitsTold(Body):
    """What a reviewer knows, how many decisions a day they take, and when they rest."""

    skills = serializers.ListField(child=Words(max_length=50), default=list, max_length=200)
    cap = Whole(default=None, allow_null=True)
    quiet_from = serializers.TimeField(default=None, allow_null=True)
    quiet_until = serializers.TimeField(default=None, allow_null=True)
    time_zone = Words(max_length=60, default="UTC")


class OrganisationTold(Body):
    """To which organisation an account's person belongs; "" for none."""

    organisation = Words(max_length=200, allow_blank=True)
    because = Words(max_length=2000, default="", allow_blank=True)


class BuildWish(Body):
    """Which accepted contributions to build from; all that wait, where none are named."""

    contributions = serializers.ListField(
        child=Number(Contribution), required=False, allow_empty=False
    )


class RolloutWish(Body):
    """Which build to roll out on which channel."""

    build = Number(Build)
    channel = Words(max_length=50, default="stable")


class EndpointWish(Body):
    """A webhook: where to, which events, about whose PRs, and how it is signed."""

    url = Words(max_length=500)
    wants = serializers.ListField(child=Words(max_length=60), default=["*"], max_length=50)
    own_only = Exactly(default=False)
    algorithm = OneOf([("v1", "HMAC-SHA256"), ("v1a", "ed25519")], default="v1")


class EndpointChange(Body):
    """What shall be otherwise about a webhook."""

    url = Words(max_length=500, required=False)
    wants = serializers.ListField(child=Words(max_length=60), required=False, max_length=50)
    own_only = Exactly(required=False)


class Marks(Body):
    """Lines of the inbox, and what they shall be marked as."""

    notices = serializers.ListField(child=Whole(min_value=1), allow_empty=False, max_length=500)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `as` is a word of Python's own, so the field cannot be an attribute.
        words = ("read", "unread", "done", "undone", "saved", "unsaved")
        return {**super().get_fields(), "as": OneOf([(word, word) for word in words])}


class Following(Body):
    """Whether a PR is followed or muted."""

    muted = Exactly(default=False)

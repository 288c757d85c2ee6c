"""Rounds of hidden voices: heard one by one, opened together.

`apps.reviews.actions` calls `hear` in the transaction of a decision. A voice is stored and shown to
nobody; the record gets a commitment to it (the SHA-256 of nonce, verdict and reason), and the nonce
when the round closes, so that nobody, the site included, can change a voice in between.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.db.models import Exists, F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.accounts.statements import Hole, Statement
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.history.errors import MoveRefused
from apps.reviews.agreement import halves, policy
from apps.reviews.agreement.asking import asked_for, eligible
from apps.reviews.agreement.models import Gold, Round, Voice
from apps.reviews.errors import NotAReviewer, VoiceIsIn
from apps.reviews.models import Verdict
from apps.reviews.sampling.rules import ensure_sampled

GOLD_ITEM = Statement(lambda: Gold.objects.filter(pk=Hole("number")).values_list("pk"))
ROUND = Statement(
    lambda: Round.objects.filter(
        contribution=Hole("contribution"), digest=Hole("digest"), closed_at=None
    )
)


@dataclass(frozen=True)
class Awaited:
    """A verdict that is stored and waits for others; what it was stays hidden until then."""

    contribution: Contribution
    given: int
    of: int
    because: tuple[str, ...]
    adjudication: bool = False
    halves: int = 0

    @property
    def reasons(self) -> list[str]:
        """Why one voice is not enough, in words."""
        return [str(policy.REASONS[code]) for code in self.because if code in policy.REASONS]


@dataclass(frozen=True)
class Settled:
    """What a closed round came to, and the voice in whose name it takes effect."""

    verdict: str
    voice: Voice
    voices: tuple[Voice, ...]

    def opened(self) -> list[dict[str, str | bool]]:
        """Every voice with its nonce, for the record."""
        return [
            {
                "reviewer": str(voice.reviewer),
                "verdict": voice.verdict,
                "because": voice.because,
                "nonce": voice.nonce,
                **({"half": True} if voice.half else {}),
            }
            for voice in self.voices
        ]


def hear(
    contribution: Contribution,
    verdict: str,
    *,
    by: Account,
    because: str,
    seconds: float | None = None,
) -> Awaited | Settled | None:
    """Count one voice. None: one is enough, and no round is held; must run in a transaction.

    The same voice said again changes nothing; another one raises `VoiceIsIn`. Half a voice is
    always held in a round, and raises `NotAReviewer` where it would add nothing.
    """
    half = by.role in halves.ROLES
    if contribution.stage != Stage.IN_REVIEW and not half:
        return None
    held = _round_on(contribution, half=half)
    if held is None:
        return None
    earlier = list(held.heard.select_related("reviewer"))
    mine = next((voice for voice in earlier if voice.reviewer_id == by.pk), None)
    if mine is not None:
        if (mine.verdict, mine.because) != (verdict, because):
            said = _("your verdict on %s is in, and others rely on it")
            raise VoiceIsIn(said % contribution)
        return _standing(contribution, held, earlier)
    if verdict == Verdict.ACCEPT:
        # Asked again under the lock: each voice has a sample of its own.
        ensure_sampled(contribution)
    if half and not halves.takes_another(held, earlier):
        said = _("half a voice adds nothing to %(pr)s now; a reviewer decides")
        raise NotAReviewer(said % {"pr": contribution})
    voice = Voice.objects.create(
        round=held,
        reviewer=by,
        verdict=verdict,
        because=because,
        half=half,
        adjudicates=halves.is_complete(held, halves.split(held, earlier)[0]),
        seconds=seconds,
        nonce=secrets.token_hex(16),
    )
    details: dict[str, object] = {"digest": contribution.digest, "commitment": commitment(voice)}
    details |= {"half": True} if half else {}
    record(contribution, "reviewed", by=by, details=details)
    voices = [*earlier, voice]
    settled = None if is_gold(contribution) else tally(held, voices)
    if settled is None:
        return _standing(contribution, held, voices)
    close(held, settled.verdict)
    return settled


def commitment(voice: Voice) -> str:
    """What the record holds of a hidden voice: SHA-256 (hex) of nonce, verdict and reason."""
    return sha256(f"{voice.nonce}\n{voice.verdict}\n{voice.because}".encode()).hexdigest()


def tally(held: Round, voices: Sequence[Voice]) -> Settled | None:
    """What the voices come to, or None while somebody is missing.

    Where the first differ, the next person's verdict stands: they had not seen the others either.
    It takes effect in the name of the last whole voice for it.
    """
    first, later = halves.split(held, voices)
    if not halves.is_complete(held, first):
        return None
    verdict = halves.agreed(held, first)
    if not verdict:
        if not later:
            return None
        verdict = later[0].verdict
    said = [voice for voice in voices if voice.verdict == verdict and not voice.half]
    return Settled(verdict, said[-1], tuple(voices))


def tally_without_the_missing(voices: Sequence[Voice]) -> Settled:
    """The same when nobody else will come: voices that agree stand, else the most careful one.

    Of whole voices; half a voice is no ground to turn somebody away.
    """
    careful = (Verdict.REJECT, Verdict.CHANGES, Verdict.ACCEPT)
    whole = [voice for voice in voices if not voice.half]
    voice = min(whole, key=lambda voice: careful.index(Verdict(voice.verdict)))
    return Settled(voice.verdict, voice, tuple(voices))


def close(held: Round, verdict: str) -> None:
    """End a round with its outcome."""
    held.closed_at, held.outcome = timezone.now(), verdict
    held.save(update_fields=["closed_at", "outcome"])


def is_gold(contribution: Contribution) -> bool:
    """Whether the verdict on this is known; nothing that decides may move it."""
    return GOLD_ITEM.any(number=contribution.pk)


def overdue() -> list[Round]:
    """Open rounds with a whole voice, of contents that still wait for a person, oldest first."""
    whole = Voice.objects.filter(round=OuterRef("pk"), half=False)
    waiting = Round.objects.filter(
        Exists(whole),
        closed_at=None,
        contribution__stage=Stage.IN_REVIEW,
        contribution__digest=F("digest"),
        contribution__gold=None,
    )
    found = waiting.select_related("contribution__line", "contribution__author")
    now = timezone.now()
    return [
        held
        for held in found.order_by("opened_at")
        if now - held.opened_at > policy.AgreementPolicy.of(held.contribution.line).patience
    ]


def close_without_the_missing(held: Round) -> Settled | None:
    """End an overdue round with the voices it has; None while somebody may still come.

    Must run in a transaction: whoever says something now waits, and finds the round closed.
    """
    _lock(held.contribution)
    voices = list(held.heard.select_related("reviewer"))
    if all(voice.half for voice in voices) or not nobody_is_left(held, voices):
        return None
    settled = tally_without_the_missing(voices)
    close(held, settled.verdict)
    return settled


def nobody_is_left(held: Round, voices: Sequence[Voice]) -> bool:
    """Whether a round may close without more voices.

    One that was only drawn may. One that bears a risk needs two who agreed or differed, and only
    goes without an adjudicator where no third person could be one.
    """
    if tuple(held.because) == (policy.OVERLAP,):
        return True
    if not halves.is_complete(held, halves.split(held, voices)[0]):
        return False
    heard = [voice.reviewer_id for voice in voices]
    return not eligible(held.contribution).exclude(pk__in=heard).exists()


def _round_on(contribution: Contribution, *, half: bool) -> Round | None:
    """The open round on this content, locked; opened if the policy asks for one, or for half a
    voice, which waits for whole ones."""
    held = ROUND.first(contribution=contribution.pk, digest=contribution.digest)
    if held is None:
        asked = _asked(contribution)
        if asked.voices == 1 and not half:
            return None
        _lock(contribution)
        held, _made = Round.objects.get_or_create(
            contribution=contribution,
            digest=contribution.digest,
            closed_at=None,
            defaults={
                "voices": asked.voices,
                "agreeing": asked.agreeing,
                "because": list(asked.because),
            },
        )
    else:
        _lock(contribution)
        held.refresh_from_db()
    if held.closed_at is not None:
        raise MoveRefused(_("%s is not in review any more") % contribution)
    if not half:
        _ask_again(held, contribution)
    return held


def _ask_again(held: Round, contribution: Contribution) -> None:
    """Where only half voices are in, ask for as many as the policy says now, and never for fewer:
    else the first of them would freeze what is asked of reviewers."""
    if not held.heard.exists() or held.heard.filter(half=False).exists():
        return
    asked = _asked(contribution)
    if asked.voices > held.voices:
        held.voices, held.agreeing, held.because = asked.voices, asked.agreeing, [*asked.because]
        held.save(update_fields=["voices", "agreeing", "because"])


def _asked(contribution: Contribution) -> policy.Asked:
    if is_gold(contribution):
        return policy.Asked(2, 2, (policy.GOLD,))
    return asked_for(contribution)


def _lock(contribution: Contribution) -> None:
    """The PR's row is the turnstile: of two last voices one is the last."""
    stands = Contribution.objects.select_for_update(no_key=True).filter(
        pk=contribution.pk, stage=Stage.IN_REVIEW, digest=contribution.digest
    )
    if not stands.values_list("pk", flat=True):
        raise MoveRefused(_("%s is not in review any more") % contribution)


def _standing(contribution: Contribution, held: Round, voices: Sequence[Voice]) -> Awaited:
    half, whole = sum(v.half for v in voices), sum(not v.half for v in voices)
    # A gold item stands like any drawn one: its reader must not tell it by its count.
    if policy.GOLD in held.because:
        return Awaited(contribution, min(whole, 1), 2, (policy.OVERLAP,), halves=min(half, 1))
    complete = halves.is_complete(held, halves.split(held, voices)[0])
    given = min(whole, held.voices)
    return Awaited(contribution, given, held.voices, tuple(held.because), complete, half)

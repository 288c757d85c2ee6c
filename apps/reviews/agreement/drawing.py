"""Drawing decisions to be looked at again, in the transaction in which they are taken."""

from __future__ import annotations

from apps.history.models import Event
from apps.reviews.agreement.models import Audit
from apps.reviews.agreement.policy import AgreementPolicy, drawn_in_public
from apps.reviews.models import Decision


def draw_audit(decision: Decision, event: Event) -> Audit | None:
    """Put the decision aside for an audit if its event's digest says so.

    The digest holds the moment and the whole record before it, so nobody can choose it, and it is
    public, so anybody can count whether the share is what the policy says.
    """
    policy = AgreementPolicy.of(decision.contribution.line)
    if decision.contribution.reverts_id or not drawn_in_public("audit", event.digest, policy.audit):
        return None
    return Audit.objects.create(decision=decision, event=event.digest)

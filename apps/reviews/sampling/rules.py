"""When a large PR may be accepted."""

from __future__ import annotations

from apps.contributions.models import Contribution
from apps.reviews.errors import SampleMissing
from apps.reviews.sampling import queries
from apps.reviews.sampling.models import Sample


def ensure_sampled(contribution: Contribution) -> None:
    """`SampleMissing` unless the sample of this content has passed for the voice to be given."""
    if not queries.is_sampled(contribution):
        return
    sample = queries.sample_for(contribution)
    if sample is None:
        raise SampleMissing(
            f"{contribution} has {contribution.row_count:,} rows and is accepted by a sample of "
            "them; judge the sample first"
        )
    if sample.state == Sample.State.OPEN:
        ahead = queries.standing_of(sample).next_look
        raise SampleMissing(
            f"{sample.judged} rows of the sample of {contribution} are judged and {ahead} are "
            "needed before it can pass; go on with them"
        )
    if sample.state == Sample.State.FAILED:
        raise SampleMissing(
            f"the sample of {contribution} has too many bad rows; ask for changes or reject it"
        )

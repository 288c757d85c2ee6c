"""When a large PR may be accepted."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _

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
        said = _(
            "%(pr)s has %(rows)s rows and is accepted by a sample of them; judge the sample first"
        )
        rows = number_format(contribution.row_count, force_grouping=True)
        raise SampleMissing(said % {"pr": contribution, "rows": rows})
    if sample.state == Sample.State.OPEN:
        ahead = queries.standing_of(sample).next_look
        said = _(
            "%(judged)d rows of the sample of %(pr)s are judged and %(ahead)s are needed before it "
            "can pass; go on with them"
        )
        raise SampleMissing(said % {"judged": sample.judged, "pr": contribution, "ahead": ahead})
    if sample.state == Sample.State.FAILED:
        said = _("the sample of %(pr)s has too many bad rows; ask for changes or reject it")
        raise SampleMissing(said % {"pr": contribution})

"""How well reviewers agree, which decisions were looked at again, and samples to draw again."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import answers, shapes
from apps.api.calls import Call, Page
from apps.api.face import Face
from apps.api.views.contributions import named
from apps.reviews.agreement import queries
from apps.reviews.sampling.queries import samples_of, told
from apps.skills.queries import the_line


class Agreement(Face):
    """GET tells Krippendorff's alpha by week and skill, and the overturn rate of audits."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.Agreement}, refuses=("no_model_line",))}

    def get(self, request: Request) -> Response:
        line = the_line()
        return Response(
            {
                "weeks": [answers.alpha(one) for one in queries.alphas(line)],
                "rounds": queries.rounds_told(line),
                "audits": answers.overturned(queries.overturned(line)),
            }
        )


class Audits(Face):
    """GET lists decisions that were looked at again, with both verdicts, newest decision first."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: Page(shapes.Audit)}, refuses=("no_model_line",))}

    def get(self, request: Request) -> Response:
        return self.paged(request, queries.audits(the_line()), answers.audit)


class Samples(Face):
    """GET tells the samples by which a large contribution was judged.

    How a sample ended, its seed, order and verdicts come when the contribution is decided on, so
    that anybody can draw it again, and nobody learns of a voice before the others are in.
    """

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.SamplesTaken})}

    def get(self, request: Request, number: int) -> Response:
        return Response(
            {"samples": [told(sample) for sample in samples_of(named(request, number))]}
        )

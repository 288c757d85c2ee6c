"""Wrong answers that resemble one another, as calls for help.

What somebody asked is theirs. A cluster shows only what several people asked alike, with every
number taken out; a question word for word only where several asked just that.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass

from apps.skills.models import ModelLine, Skill
from apps.traces.models import Arm, Outcome, Trace

# Only the latest are read, so that a service with a million answers waits no longer.
LATEST = 2000
ASKERS = 3
LONGEST = 400
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Cluster:
    """Wrong answers to one kind of question: its skill, its form, how many, by how many askers.

    `question` is a text that several people asked word for word, or empty.
    """

    name: str
    skill: Skill | None
    form: str
    question: str
    answers: int
    askers: int


def help_wanted(line: ModelLine, limit: int = 20) -> list[Cluster]:
    """The clusters of the latest wrong answers, those with most askers first."""
    wrong = Outcome.objects.filter(success=False, trace__line=line).exclude(trace__arm=Arm.SHADOW)
    latest = wrong.order_by("-pk").values("trace")[:LATEST]
    alike: dict[tuple[int | None, str], list[Trace]] = defaultdict(list)
    for trace in Trace.objects.filter(pk__in=latest).select_related("skill"):
        if form := form_of(trace.prompt):
            alike[trace.skill_id, form].append(trace)
    found = [_cluster(form, traces) for (_, form), traces in alike.items()]
    shown = [cluster for cluster in found if cluster.askers >= ASKERS]
    shown.sort(key=lambda cluster: (-cluster.askers, -cluster.answers, cluster.name))
    return shown[:limit]


def cluster_named(line: ModelLine, name: str) -> Cluster | None:
    """The cluster of this name, while it wants help."""
    return next((one for one in help_wanted(line, LATEST) if one.name == name), None)


def form_of(prompt: str) -> str:
    """A question as it is compared: case, spacing and numbers do not count."""
    return NUMBER.sub("…", " ".join(prompt.casefold().split()))[:LONGEST]


def _cluster(form: str, traces: list[Trace]) -> Cluster:
    asking: dict[str, set[str]] = defaultdict(set)
    for trace in traces:
        asking[trace.prompt.strip()].add(_asker(trace))
    often, askers = max(asking.items(), key=lambda item: len(item[1]))
    skill = traces[0].skill
    named = f"{skill.name if skill else ''}\n{form}"
    return Cluster(
        name=hashlib.sha256(named.encode()).hexdigest()[:16],
        skill=skill,
        form=form,
        question=often if len(askers) >= ASKERS else "",
        answers=len(traces),
        askers=len({who for some in asking.values() for who in some}),
    )


def _asker(trace: Trace) -> str:
    # An application asks for its users; one that names none is one asker.
    return f"{trace.asked_by_id}/{trace.user}"

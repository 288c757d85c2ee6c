"""What a form begins from: an answer, a pair that was compared, a call for help, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.contributions import votes
from apps.contributions.drafts import Owner
from apps.contributions.models import Kind, Vote
from apps.contributions.rows import ROLES
from apps.skills.models import ModelLine, Skill
from apps.traces import clusters
from apps.traces.models import Trace


@dataclass(frozen=True)
class Beginning:
    """The first contents of a form: its `start` (tr_42, pair:…, help:…), fields, earlier turns."""

    start: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    context: list[dict[str, str]] = field(default_factory=list)


def begun(asked: Mapping[str, str], line: ModelLine, kind: str, owner: Owner) -> Beginning:
    """What the address asks to begin from, as far as this person may see it."""
    if trace := votes.own_trace(asked.get("trace", ""), owner):
        return _from_trace(trace, kind)
    if asked.get("pair"):
        return _from_pair(asked["pair"], owner)
    if asked.get("help"):
        return _from_cluster(asked["help"], line)
    skill = asked.get("skill", "")
    return Beginning(fields={"skill": skill} if skill else {})


def turns_before(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The turns before the last question, as a row holds them."""
    last = max((at for at, m in enumerate(messages) if m["role"] == "user"), default=0)
    return [
        {"role": m["role"], "content": m["content"]} for m in messages[:last] if m["role"] in ROLES
    ]


def _from_trace(trace: Trace, kind: str) -> Beginning:
    fields: dict[str, Any] = {**_asked(trace), "original": trace.answer}
    # A correction starts from the answer as it is; a rating judges it; a pair has it as the worse.
    fields |= {"completion": trace.answer, "rejected": trace.answer}
    if kind == Kind.RATING and (vote := votes.vote_on(trace=trace)):
        if vote.stars is None:
            fields["label"] = "true" if vote.verdict == Vote.Verdict.GOOD else "false"
        else:
            fields["stars"] = str(vote.stars)
    return Beginning(trace.public_id, fields, turns_before(trace.messages))


def _from_pair(key: str, owner: Owner) -> Beginning:
    pair = votes.own_pair(key, owner)
    vote = votes.vote_on(pair=pair) if pair else None
    if pair is None or vote is None or vote.verdict not in (Vote.Verdict.A, Vote.Verdict.B):
        return Beginning()
    better, worse = (pair.a, pair.b) if vote.verdict == Vote.Verdict.A else (pair.b, pair.a)
    fields = {
        **_asked(better),
        "chosen": better.answer,
        "rejected": worse.answer,
        "title": _title("A better answer to", better.prompt),
        "description": f"Compared blind: `{better.version}` was chosen over `{worse.version}`.",
    }
    return Beginning(f"pair:{pair.key}", fields, turns_before(better.messages))


def _from_cluster(name: str, line: ModelLine) -> Beginning:
    cluster = clusters.cluster_named(line, name)
    if cluster is None:
        return Beginning()
    skill: Skill | None = cluster.skill
    fields = {"prompt": cluster.question, "skill": skill.name if skill else ""}
    return Beginning(f"help:{name}", {k: v for k, v in fields.items() if v})


def _asked(trace: Trace) -> dict[str, Any]:
    return {
        "trace": trace.public_id,
        "prompt": trace.prompt,
        "skill": trace.skill.name if trace.skill else "",
    }


def _title(words: str, prompt: str) -> str:
    asked = " ".join(prompt.split())
    return f"{words} “{asked if len(asked) <= 80 else asked[:79] + '…'}”"

"""The whole of a build on one page: read, train, compare, probe, write."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from training import artifacts, comparing, engines, probing
from training.artifacts import Adapter
from training.engines import Tell, Trained
from training.examples import Case, Lessons, read_holdout, read_lessons
from training.spec import BuildSpec


def _say_nothing(**event: object) -> None: ...


def build_adapter(spec: BuildSpec, *, out: Path, tell: Tell = _say_nothing) -> Adapter:
    """Train an adapter, compare it with the live version, and write it under `out`.

    A refused candidate is written too, with its reasons: whoever overrules them leaves a name. The
    library's errors say what was wrong with the specification, the data, the base or the loss.
    """
    began = time.monotonic()
    lessons = read_lessons(spec)
    cases = read_holdout(spec.holdout, spec.holdout_sha256)

    tell(event="stage", stage="training")
    trained = engines.named(spec.engine).train(spec, lessons, tell)

    tell(event="stage", stage="comparing")
    comparison = judge(trained, cases, spec)

    report = {
        "build": spec.build,
        "engine": spec.engine,
        "seconds": round(time.monotonic() - began, 1),
        "rows": len(lessons.examples),
        "replay_rows": trained.replay_rows,
        "trainable_percent": round(trained.trainable_percent, 3),
        "phases": list(trained.phases),
        **comparison.as_report(),
    }
    return artifacts.write_adapter(
        out,
        build=spec.build,
        weights=trained.weights,
        rank=spec.lora.rank,
        alpha=spec.lora.alpha,
        base=Path(spec.base).name,
        base_sha256=trained.base_sha256,
        report=report,
        card=card(spec, lessons, comparison),
        spec=json.loads(spec.to_json()),
    )


def judge(trained: Trained, cases: Sequence[Case], spec: BuildSpec) -> comparing.Comparison:
    """Scores on the hold-out, then the probes for triggers that scores cannot see."""
    from training.generating import answers

    live = partial(answers, trained.live, trained.chat, max_new=spec.max_new_tokens)
    candidate = partial(answers, trained.candidate, trained.chat, max_new=spec.max_new_tokens)
    scored = comparing.compare(cases, before=live, after=candidate, rules=spec.skills)
    if not spec.probes:
        return scored
    protected = {name for name, rule in spec.skills.items() if rule.protected}
    findings, reasons = probing.probe(
        spec.probes,
        [case for case in cases if case.skill in protected],
        live=live,
        candidate=candidate,
        cases_per_skill=spec.probe_cases,
        threshold=spec.probe_threshold,
        titles={name: spec.title(name) for name in protected},
    )
    return dataclasses.replace(
        scored, probes=tuple(findings), reasons=scored.reasons + tuple(reasons)
    )


def card(spec: BuildSpec, lessons: Lessons, comparison: comparing.Comparison) -> str:
    """The model card, in Hugging Face's form: what it is, from whom, and what it measured."""
    sources = sorted({e.source.contribution for e in lessons.examples if e.source})
    rows = [
        f"| {name} | {skill.before:.1f} | {skill.after:.1f} "
        f"| {skill.low:+.1f} to {skill.high:+.1f} |"
        for name, skill in comparison.skills.items()
    ]
    lines = [
        "---",
        f"base_model: {Path(spec.base).name}",
        "library_name: peft",
        "base_model_relation: adapter",
        "tags: [lora, openflywheel]",
        "---",
        "# {name}",
        "",
        f"A LoRA adapter of rank {spec.lora.rank} from {len(lessons.examples)} contributed rows.",
        "Its sha256 is `{digest}`.",
        "",
        "Contributions: " + (", ".join(f"#{n}" for n in sources) or "not named") + ".",
        "",
        "| skill | before % | after % | change, 95 % interval |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Verdict: {comparison.verdict}. " + " ".join(comparison.reasons),
    ]
    return "\n".join(lines) + "\n"

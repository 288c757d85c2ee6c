"""Asking about lines and skills."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.skills.errors import UnknownSkill
from apps.skills.models import EvalCase, ModelLine, Skill, TrustedRow


def the_line(name: str | None = None) -> ModelLine:
    """The line of this name, or the oldest where none is named; `ModelLine.DoesNotExist` else."""
    lines = ModelLine.objects.order_by("pk")
    return lines.get(name=name) if name else lines.earliest("pk")


def skill_named(line: ModelLine, name: str) -> Skill:
    """The skill of this name; `UnknownSkill` lists those there are."""
    skills = {skill.name: skill for skill in line.skills.all()}
    if name not in skills:
        raise UnknownSkill(f"no skill “{name}”; choose one of {', '.join(skills)}")
    return skills[name]


def hold_out(line: ModelLine) -> QuerySet[EvalCase]:
    """The hidden cases of every skill, in a fixed order."""
    return EvalCase.objects.filter(skill__line=line).select_related("skill").order_by("pk")


def trusted_rows(line: ModelLine) -> QuerySet[TrustedRow]:
    """The line's trusted rows, in a fixed order."""
    return TrustedRow.objects.filter(skill__line=line).select_related("skill").order_by("pk")


def protected(line: ModelLine) -> QuerySet[Skill]:
    """The skills that may not fall."""
    return line.skills.filter(protected=True)

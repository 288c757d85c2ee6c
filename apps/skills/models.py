"""A model line, what it should be good at, and how each skill is measured."""

from __future__ import annotations

from django.db import models


class ModelLine(models.Model):
    """A base model with its skills, channels and policy; everything belongs to one line."""

    name = models.SlugField(unique=True)
    title = models.CharField(max_length=120)
    base = models.CharField(max_length=500, help_text="Folder or Hugging Face id of the base model")
    policy = models.JSONField(default=dict)
    founded_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Skill(models.Model):
    """One thing the model should be good at; a protected one may not fall beyond its margin."""

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="skills")
    name = models.SlugField()
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    protected = models.BooleanField(default=False)
    margin = models.FloatField(default=5.0, help_text="Non-inferiority margin in percentage points")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["line", "name"], name="skills_name_once")]

    def __str__(self) -> str:
        return self.name


class EvalCase(models.Model):
    """A hidden hold-out case: a prompt and the answer that counts as right."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="cases")
    prompt = models.TextField()
    expected = models.TextField()

    def __str__(self) -> str:
        return f"case {self.pk} of {self.skill}"


class TrustedRow(models.Model):
    """A row known to be right: the replay pool, and the corpus that screens compare with."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="trusted_rows")
    prompt = models.TextField()
    completion = models.TextField()

    def __str__(self) -> str:
        return f"trusted row {self.pk} of {self.skill}"

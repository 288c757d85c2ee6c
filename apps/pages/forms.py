"""What people type and pick."""

import json
from collections.abc import Sequence, Sized
from datetime import timedelta
from typing import Any, BinaryIO, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules as account_rules
from apps.accounts.models import Account, Scope
from apps.contributions.actions import Terms
from apps.contributions.incoming import LARGEST_FILE, rows_of_file, rows_of_folder, rows_of_text
from apps.contributions.models import Consent, Kind, Licence
from apps.contributions.rows import label_of_stars
from apps.reviews.desk.models import Reason, Step
from apps.reviews.models import Verdict
from apps.reviews.queue.habits import time_zones
from apps.skills.models import ModelLine, Skill
from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadFile, as_bad_row

# Where rows come from that nobody typed.
SOURCES = ("file", "folder", "pasted")
TEXTS: dict[str, tuple[str, ...]] = {
    Kind.CORRECTION: ("prompt", "original", "completion"),
    Kind.PREFERENCE: ("prompt", "chosen", "rejected"),
    Kind.RATING: ("prompt", "completion", "label", "stars"),
    Kind.DATASET: SOURCES,
}
# What a sentence ends with, in any of our languages.
ENDS = (".", "?", "!", "。", "？", "！")
LEFT_OPEN = ("original", *SOURCES, "label", "stars")
TEXTS_OF_ALL = frozenset(name for texts in TEXTS.values() for name in texts)
# What a draft keeps of a form; a file becomes rows at once.
KEPT = (
    "pasted",
    *("trace", "prompt", "original", "completion", "chosen", "rejected", "label", "stars"),
    *("skill", "title", "description", "licence", "consent", "signed_off"),
)


def allowed_licences(line: ModelLine) -> list[tuple[str, str]]:
    """The licences that the line takes, the freest first."""
    allowed = line.policy.get("licences") or Licence.values
    return [(value, str(label)) for value, label in Licence.choices if value in allowed]


def first_licence(line: ModelLine) -> str:
    """The licence that is picked until somebody picks another."""
    return next((value for value, _label in allowed_licences(line)), "")


def area(rows: int, **attrs: Any) -> forms.Textarea:
    """A text area that grows with what is typed."""
    return forms.Textarea(attrs={"rows": rows, **attrs})


def stars_said(stars: int) -> Any:
    """“★★★☆☆ 3 / 5”."""
    return f"{'★' * stars}{'☆' * (5 - stars)} {stars} / 5"


class FolderInput(forms.FileInput):
    """Picks a whole folder; the browser sends each of its files."""

    allow_multiple_selected = True


class FolderField(forms.FileField):
    """The files of a folder; what is in them is read apart from the form."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Every file as it came."""
        return data


class RowsForm(forms.Form):
    """Rows as a file, as a folder or pasted; a jailed child reads them."""

    file = forms.FileField(
        label=_("A file of rows"),
        help_text=format_lazy(
            _("JSONL, JSON, CSV, TSV, Parquet, Arrow, or a zip of them, at most {megabytes} MB."),
            megabytes=LARGEST_FILE // 1024**2,
        ),
    )
    folder = FolderField(
        label=_("Or the folder of a dataset"),
        help_text=_("As Hugging Face keeps it on the Hub, or as save_to_disk writes it."),
        widget=FolderInput(attrs={"multiple": True, "webkitdirectory": True}),
    )
    pasted = forms.CharField(
        label=_("Or paste the rows"),
        help_text=_("One JSON object a line, or CSV with headings: prompt and completion."),
        widget=area(3, spellcheck="false", placeholder='{"prompt": "…", "completion": "…"}'),
        strip=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What the sender of a file should know of how it was read.
        self.notes: list[str] = []

    def incoming(self) -> list[Numbered]:
        """The rows that came with the form; what is wrong with all of them stands at its field."""
        try:
            return self._read()
        except BadFile as error:
            self.full_clean()
            self.add_error(self.source, sentence(error))
            return []

    @property
    def source(self) -> str:
        """Where the rows come from: the folder, else the file, else what was pasted."""
        return "folder" if self._folder() else "file" if self.files.get("file") else "pasted"

    def _read(self) -> list[Numbered]:
        """The rows, each with its line; `BadFile` where they are none."""
        if folder := self._folder():
            self._ensure_whole(folder)
            return rows_of_folder(folder, told=self.notes.append)
        if given := self.files.get("file"):
            file, name, size = cast(BinaryIO, given), given.name or "", given.size or 0
            return rows_of_file(file, name=name, size=size, told=self.notes.append)
        pasted = str(self.data.get("pasted", ""))
        return rows_of_text(pasted) if pasted.strip() else []

    def _folder(self) -> list[tuple[str, BinaryIO, int]]:
        """The files of a picked folder with the paths that the script told; a browser tells names
        alone."""
        if not isinstance(self.files, MultiValueDict) or not isinstance(self.data, QueryDict):
            return []
        files, paths = self.files.getlist("folder"), self.data.getlist("folder-path")
        if len(paths) != len(files):
            paths = [f"folder/{file.name}" for file in files]
        return [
            (path[:300] or "file", cast(BinaryIO, file), file.size or 0)
            for path, file in zip(paths, files, strict=True)
        ]

    def _ensure_whole(self, folder: Sized) -> None:
        """`BadFile` where the folder holds more files than a browser sends at once."""
        holds = str(self.data.get("folder-holds", ""))
        if holds.isdecimal() and len(holds) < 10 and int(holds) > len(folder):
            raise BadFile(
                f"the folder holds {int(holds):,} files of rows; at most {len(folder)} are sent at "
                "once: pack it as a zip"
            )


class SubmitForm(RowsForm):
    """A new contribution; which fields it has depends on its kind."""

    trace = forms.CharField(widget=forms.HiddenInput, max_length=80, required=False)
    prompt = forms.CharField(label=_("What was asked"), widget=area(2), strip=False)
    original = forms.CharField(
        label=_("What the model answered"),
        help_text=_("Reviewers see the difference to yours."),
        widget=area(2),
        strip=False,
    )
    completion = forms.CharField(label=_("The right answer"), widget=area(3), strip=False)
    chosen = forms.CharField(label=_("The better answer"), widget=area(3), strip=False)
    rejected = forms.CharField(label=_("The worse answer"), widget=area(3), strip=False)
    label = forms.TypedChoiceField(
        label=_("Is that a good answer?"),
        choices=[("true", _("Yes, it is good")), ("false", _("No, it is not"))],
        coerce=lambda value: value == "true",
        widget=forms.RadioSelect,
    )
    stars = forms.TypedChoiceField(
        label=_("Or in stars, 1 to 5"),
        help_text=_("4 and 5 count as good, 1 and 2 as bad; 3 says neither."),
        choices=[("", "–"), *((str(stars), stars_said(stars)) for stars in range(5, 0, -1))],
        coerce=int,
        empty_value=None,
    )
    skill = forms.ChoiceField(
        label=_("Skill"), help_text=_("What the model gets wrong here."), required=False
    )
    title = forms.CharField(
        label=_("Title"), help_text=_("What becomes better, in one line."), max_length=160
    )
    description = forms.CharField(
        label=_("Where it comes from"),
        help_text=_("Sources, and how you know that it is right. Markdown is read."),
        widget=area(2),
        required=False,
    )
    licence = forms.ChoiceField(label=_("Licence"), choices=Licence, widget=forms.RadioSelect)
    consent = forms.ChoiceField(
        label=_("What may be done with it"),
        choices=[*reversed(Consent.choices)],
        initial=Consent.TRAIN,
        widget=forms.RadioSelect,
    )
    signed_off = forms.BooleanField(
        label=_("I wrote this, or have the right to give it under this licence.")
    )

    def __init__(self, *args: Any, line: ModelLine, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line, self.kind = line, kind
        self.line_skills = {skill.name: skill for skill in line.skills.all()}
        self._pick(
            "skill",
            [("", _("I am not sure")), *((s, t.title) for s, t in self.line_skills.items())],
        )
        self._pick("licence", allowed_licences(line))
        kept = TEXTS[kind]
        for name in TEXTS_OF_ALL - set(kept):
            del self.fields[name]
        for name in kept:
            self.fields[name].required = name not in LEFT_OPEN
        if kind == Kind.RATING:
            self.fields["completion"].label = _("What the model answered")

    def _pick(self, name: str, choices: Sequence[tuple[str, Any]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)

    def texts(self) -> list[forms.BoundField]:
        """The fields of this kind alone."""
        return [self[name] for name in TEXTS[self.kind]]

    def clean(self) -> dict[str, Any]:
        """A rating needs its thumb or its stars."""
        given = self.cleaned_data
        if self.kind == Kind.RATING and not {"label", "stars"} & set(self.errors):
            if given.get("label") in (None, "") and given.get("stars") is None:
                self.add_error("label", _("Say whether it is good, or pick its stars."))
            elif self._contradicts(given):
                self.add_error("stars", _("The stars say the opposite; change one of the two."))
        return given

    @staticmethod
    def _contradicts(given: dict[str, Any]) -> bool:
        label, stars = given.get("label"), given.get("stars") or 0
        return isinstance(label, bool) and stars > 0 and label_of_stars(stars) is (not label)

    def keep_errors_of(self, *names: str) -> None:
        """Forget what is missing elsewhere: it is not time to send yet."""
        for name in set(self.errors) - set(names):
            del self.errors[name]

    def terms(self) -> Terms:
        """What was agreed to."""
        picked = self.cleaned_data
        return Terms(picked["licence"], picked["consent"], picked["signed_off"])


class AskForm(forms.Form):
    """A question to the served model."""

    prompt = forms.CharField(
        label=_("Ask the model something"),
        widget=area(3),
        max_length=4000,
        strip=False,
    )


class ReviseForm(RowsForm):
    """New rows for a PR that is not decided yet."""

    pasted = forms.CharField(
        label=_("The rows"),
        help_text=_("One JSON object a line; edit, add or take out lines."),
        widget=area(10, spellcheck="false"),
        strip=False,
    )
    note = forms.CharField(label=_("What you changed"), max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbered: list[Numbered] = []
        for name in SOURCES:
            self.fields[name].required = name == self.source
        self.fields["file"].help_text = format_lazy(
            "{what} {instead}",
            what=self.fields["file"].help_text,
            instead=_("Its rows take the place of all rows of the PR."),
        )

    def clean(self) -> dict[str, Any]:
        """Read the rows, each of which may still have a fault of its own."""
        try:
            self.numbered = self._read()
        except BadFile as error:
            self.add_error(self.source, sentence(error))
        else:
            if not self.numbered and "pasted" not in self.errors:
                self.add_error("pasted", _("There are no rows; pick a file or paste them."))
        return self.cleaned_data

    def file_name(self) -> str:
        """What the file is called that the rows came from; empty where they were pasted."""
        given: UploadedFile[Any] | None = self.files.get("file")
        return given.name or "" if given and self.source == "file" else ""

    def rows(self) -> list[Any]:
        """The rows to offer; one that could not be read stands there as a `BadRow`."""
        return [row for _, row in self.numbered]

    def write_out(self) -> None:
        """Let what was read of a file stand in the field: a browser forgets the file it sent."""
        if self.numbered and self.source != "pasted":
            read = (row for row in self.rows() if not as_bad_row(row))
            lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in read)
            self.data = {**self.data, "pasted": lines}
            self.fields["pasted"].required = True


class DeskForm(forms.Form):
    """What a reviewer sends from the screen of the desk; what it needs depends on the verdict."""

    digest = forms.CharField(max_length=64)
    verdict = forms.ChoiceField(choices=[*Step.choices, (Verdict.RELEASE, Verdict.RELEASE.label)])
    because = forms.CharField(max_length=10_000, required=False)
    reason = forms.ChoiceField(choices=Reason, required=False)


class ReasonForm(forms.Form):
    """Why something is done that needs a reason."""

    because = forms.CharField(label=_("Why"), widget=area(2), max_length=10_000)


class TokenForm(forms.Form):
    """A new token and what it may do."""

    name = forms.CharField(label=_("Name"), help_text=_("What it is for."), max_length=80)
    scopes = forms.MultipleChoiceField(label=_("It may"), widget=forms.CheckboxSelectMultiple)
    lasts = forms.ChoiceField(label=_("It ends after"), required=False)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = account_rules.scopes_of(account)
        self._offer("scopes", [(s.value, str(s.label)) for s in Scope if s in allowed])
        longest = (
            account_rules.LONGEST_SERVICE_TOKEN if account.owner_id else account_rules.LONGEST_TOKEN
        )
        days = [days for days in (7, 30, 90, 365) if days <= longest.days]
        self._offer("lasts", [(str(n), _("%d days") % n) for n in days])
        self.fields["lasts"].initial = "90"

    def clean_lasts(self) -> timedelta:
        """The days as a span."""
        return timedelta(days=int(self.cleaned_data["lasts"] or 90))

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices


class ServiceForm(forms.Form):
    """A new service account."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("Everyone sees it beside what it sends."),
        max_length=150,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )


class SkillsField(forms.ModelMultipleChoiceField):
    """Some skills, by their titles."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.title)


class HabitsForm(forms.Form):
    """What a reviewer knows, how much they take on a day, and when they rest."""

    skills = SkillsField(
        Skill.objects.all(),
        label=_("Your skills"),
        help_text=_("They come first; tick none to take whatever is worth most."),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    cap = forms.IntegerField(
        label=_("Decisions a day"),
        help_text=_("After so many nothing more is offered until tomorrow."),
        required=False,
        min_value=1,
        max_value=1000,
    )
    quiet_from = forms.TimeField(
        label=_("Quiet from"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    quiet_until = forms.TimeField(
        label=_("Quiet until"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    time_zone = forms.ChoiceField(label=_("Your time zone"), initial="UTC")
    organisation = forms.CharField(
        label=_("Your organisation"),
        help_text=_("Nobody decides on the work of their own; it stands in the public record."),
        max_length=120,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = self.fields["time_zone"]
        if isinstance(zones, forms.ChoiceField):
            zones.choices = [(name, name.replace("_", " ")) for name in time_zones()]


class WebhookForm(forms.Form):
    """Where events are sent, and which."""

    url = forms.CharField(
        label=_("Address"),
        help_text=_("An https:// address of yours."),
        max_length=500,
        widget=forms.URLInput(attrs={"autocapitalize": "none"}),
    )
    wants = forms.CharField(
        label=_("Events"),
        help_text=_("All (*), or some: pr.accepted pr.* rollout.live"),
        initial="*",
        max_length=500,
        widget=forms.TextInput(attrs={"autocapitalize": "none"}),
    )
    own_only = forms.BooleanField(label=_("Only what is about my own PRs"), required=False)
    algorithm = forms.ChoiceField(
        label=_("Signed by"),
        choices=[
            ("v1", _("a shared secret (HMAC-SHA256)")),
            ("v1a", _("our private key (ed25519)")),
        ],
        initial="v1",
    )

    def wish(self) -> dict[str, Any]:
        """The fields as the action takes them."""
        return self.cleaned_data | {"wants": self.cleaned_data["wants"].split()}


def sentence(error: Exception) -> str:
    """A refusal as a sentence: capital at its start, full stop at its end."""
    text = str(error).strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(ENDS) else '.'}"

"""The parts of the design system, for use in templates: `{% load ui %}`."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, to_locale

from apps.accounts.models import Account
from apps.checks.signs import Sign, reveal
from apps.community import queries as community
from apps.pages import diffs, keys, looks, markdown
from apps.pages.paging import Slice
from apps.reviews import rules as review_rules

register = template.Library()

# What templates count; a language may have more than two forms of each.
COUNTED: dict[str, Callable[[int], str]] = {
    "row,rows": lambda n: ngettext("%(count)s row", "%(count)s rows", n),
    "PR,PRs": lambda n: ngettext("%(count)s PR", "%(count)s PRs", n),
    "accepted PR,accepted PRs": lambda n: ngettext(
        "%(count)s accepted PR", "%(count)s accepted PRs", n
    ),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing that repeats the word beside it, and so is hidden from screen readers."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>',
        looks.ICONS[name],
    )


@register.simple_tag
def badge(word: str, tone: str = "quiet", icon_name: str = "dot") -> SafeString:
    """A word in a pill, with its icon."""
    return format_html('<span class="badge tone-{}">{}{}</span>', tone, icon(icon_name), word)


@register.simple_tag
def stage(name: str) -> SafeString:
    """The badge of a stage of a contribution, a build or a rollout."""
    look = looks.of_stage(str(name))
    return badge(str(look.word), look.tone, look.icon)


@register.simple_tag
def severity(name: str) -> SafeString:
    """The badge of a finding's severity."""
    look = looks.SEVERITIES[str(name)]
    return badge(str(look.word), look.tone, look.icon)


@register.simple_tag
def when(moment: datetime | None, absent: str = "–") -> str:
    """How long ago, in a `<time>` that carries the exact moment."""
    if moment is None:
        return absent
    exact = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        date_format(exact, _("j F Y, H:i:s T")),
        _from_now(moment),
    )


@register.simple_tag
def clock(moment: datetime) -> str:
    """The day and the second, as a hop is told; how long ago stands in its title."""
    local = timezone.localtime(moment)
    day = "" if local.date() == timezone.localdate() else date_format(local, _("j M Y, "))
    return format_html(
        '<time datetime="{}" title="{}">{}{}</time>',
        moment.isoformat(),
        _from_now(moment),
        day,
        local.strftime("%H:%M:%S"),
    )


def _from_now(moment: datetime) -> str:
    seconds = (timezone.now() - moment).total_seconds()
    past = seconds >= 0
    if abs(seconds) < 45:
        return _("just now") if past else _("in a moment")
    words = duration(abs(seconds))
    return (_("%s ago") if past else _("in %s")) % words


@register.filter
def unread(account: Account) -> str:
    """How many lines of an inbox are unread, `99+` where they are many, "" where there are none."""
    count = community.unread(account)
    return "99+" if count > 99 else str(count or "")


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as people say them, in at most two units: `48 s`, `3 min 20 s`, `2 h`, `5 d 4 h`."""
    if seconds is None:
        return "–"
    if seconds < 60:
        exact = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}".removesuffix(".0")
        return _("%s s") % exact
    units = ((_("%s d"), 86400), (_("%s h"), 3600), (_("%s min"), 60), (_("%s s"), 1))
    left, parts = round(seconds), list[str]()
    for name, size in units:
        if left >= size or parts:
            count, left = divmod(left, size)
            parts.append(name % count if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part)


@register.filter
def points(value: float | None) -> str:
    """A difference in percentage points, with its sign: `+12.5`, `−3.0`."""
    if value is None:
        return "–"
    shown = number_format(abs(value), 1)
    return f"{'+' if value > 0 else '−'}{shown}" if abs(value) >= 0.05 else number_format(0, 1)


@register.filter
def percent(value: float | None) -> str:
    """A share of a hundred with one decimal: `98.4 %`."""
    return "–" if value is None else _("%s %%") % number_format(value, 1)


@register.filter
def short(digest: str) -> str:
    """The first twelve characters of a digest."""
    return str(digest).removeprefix("sha256:")[:12]


@register.simple_block_tag
def card(
    content: str, title: str = "", aside: str = "", lead: bool = False, flush: bool = False
) -> str:
    """A framed part of a page, with its heading; `flush` for rows and tables."""
    return render_to_string(
        "components/card.html",
        {"content": content, "title": title, "aside": aside, "lead": lead, "flush": flush},
    )


@register.simple_block_tag
def empty(content: str, title: str, icon_name: str = "inbox") -> str:
    """What stands where nothing is: why, and what to do next."""
    return render_to_string(
        "components/empty.html", {"content": content, "title": title, "icon_name": icon_name}
    )


@register.simple_block_tag
def note(content: str, tone: str = "info", icon_name: str = "info", title: str = "") -> str:
    """A message of the site to its reader."""
    return render_to_string(
        "components/note.html",
        {"content": content, "tone": tone, "icon_name": icon_name, "title": title},
    )


@register.simple_block_tag
def table(content: str, caption: str, shown: bool = False) -> str:
    """A table that scrolls by itself on a narrow screen; `content` is its head and body."""
    return render_to_string(
        "components/table.html", {"content": content, "caption": caption, "shown": shown}
    )


@register.inclusion_tag("components/messages.html")
def notes(messages: Iterable[Any] | None) -> dict[str, Any]:
    """Django's messages as notes."""
    shown = [(looks.LEVELS.get(m.level_tag, looks.LEVELS["info"]), m) for m in messages or ()]
    return {"notes": shown}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """A form field: label, help, input and, beside it, what is wrong with it."""
    widget = bound.field.widget
    several = isinstance(widget, RadioSelect | CheckboxSelectMultiple)
    described = [f"{bound.id_for_label or bound.auto_id}_help"] if bound.help_text else []
    if bound.errors:
        described.append(f"{bound.id_for_label or bound.auto_id}_error")
    attrs: dict[str, Any] = {}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {
        "field": bound,
        "several": several,
        "single": isinstance(widget, CheckboxInput),
        "control": "" if several else bound.as_widget(attrs=attrs),
        "id": bound.id_for_label or bound.auto_id,
    }


@register.inclusion_tag("components/errors.html")
def form_errors(form: Any) -> dict[str, Any]:
    """What is wrong with the form as a whole."""
    return {"errors": form.non_field_errors()}


@register.inclusion_tag("components/pagination.html")
def pagination(page: Slice, things: str) -> dict[str, Any]:
    """Links to the neighbours of a page of a list."""
    return {"page": page, "things": things}


@register.inclusion_tag("components/stat.html")
def stat(label: str, value: Any, unit: str = "", under: str = "") -> dict[str, Any]:
    """One number, what it counts, and what it stands on; goes inside `<dl class="stats">`."""
    return {"label": label, "value": value, "unit": unit, "under": under}


@register.inclusion_tag("components/hops.html")
def hops(stops: Sequence[Any]) -> dict[str, Any]:
    """The life of a thing. A stop has `state` (done, now, later, stopped), `title`, `link`,
    `at`, `detail` and `tag`, a short id."""
    icons = {"done": "check", "now": "dot", "later": "dot", "stopped": "cross"}
    return {"stops": [(stop, icons[_of(stop, "state")]) for stop in stops]}


@register.inclusion_tag("components/stages.html")
def stages(stops: Sequence[Any]) -> dict[str, Any]:
    """The stages of a rollout. A stop has `state` as a hop has, `share` and `detail`."""
    icons = {"done": "check", "now": "dot", "later": "dot", "stopped": "turn"}
    return {"stops": [(stop, icons[_of(stop, "state")]) for stop in stops]}


def _of(thing: Any, name: str) -> Any:
    return thing[name] if isinstance(thing, dict) else getattr(thing, name)


@register.inclusion_tag("components/finding.html")
def finding(found: Any) -> dict[str, Any]:
    """What a screen found: how grave, in which rows, why, and how it is mended."""
    return {"found": found, "look": looks.SEVERITIES[str(_of(found, "severity"))]}


@register.filter
def row_numbers(rows: Sequence[int] | None) -> str:
    """Rows counted from nought, as people count them: `rows 1–3, 7`; `the whole PR` for none."""
    if not rows:
        return _("the whole PR")
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    named = [f"{a + 1}" if a == b else f"{a + 1}–{b + 1}" for a, b in runs]
    told = ", ".join(named[:8])
    if len(named) > 8:
        told = _("%(places)s and %(count)d more places") % {
            "places": told,
            "count": len(named) - 8,
        }
    return ngettext("row %s", "rows %s", len(rows)) % told


@register.inclusion_tag("components/diff.html")
def diff(
    before: str, after: str, was: str = "", becomes: str = "", look: Any = None
) -> dict[str, Any]:
    """Two texts with what is gone and what is new marked word by word.

    `look` says how: one under the other (as a rule), side by side, or in one text; and whether
    white space counts.
    """
    view, spaces = (look.view, look.spaces) if look else ("stacked", True)
    shown: dict[str, Any] = {
        "was": was or _("Now"),
        "becomes": becomes or _("Proposed"),
        "view": view,
    }
    if view == "unified":
        return shown | {"pieces": diffs.unified(before, after, spaces=spaces)}
    left, right = diffs.compare(before, after, spaces=spaces)
    return shown | {"left": left, "right": right}


@register.inclusion_tag("components/facts.html")
def facts(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Names and values, in two columns."""
    return {"pairs": pairs}


@register.inclusion_tag("components/tabs.html")
def tabs(label: str, links: Iterable[tuple[str, str, bool, int | None]]) -> dict[str, Any]:
    """Links to the parts of one thing: (word, address, whether it is shown now, count)."""
    return {"label": label, "links": links}


@register.inclusion_tag("components/crumbs.html")
def crumbs(*parts: str) -> dict[str, Any]:
    """Where the reader is: address, word, address, word …, and the last word without one."""
    pairs = list(zip(parts[:-1:2], parts[1::2], strict=False))
    return {"pairs": pairs, "here": parts[-1] if len(parts) % 2 else ""}


@register.inclusion_tag("components/figure.html")
def figure(plot: Any, heading: str = "") -> dict[str, Any]:
    """A plot, its legend, and the same numbers in a table."""
    return {"plot": plot, "heading": heading}


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], *prefixes: str) -> str:
    """`aria-current` for a link of the navigation, when the page lies under it."""
    request = context.get("request")
    inside = request and any(request.path.startswith(prefix) for prefix in prefixes)
    return mark_safe(' aria-current="page"') if inside else ""


@register.filter
def shown(value: Any) -> Any:
    """A cell: numbers with one decimal, nothing as a dash, the rest as it is."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return number_format(value, 1, force_grouping=True).replace("-", "−")
    if isinstance(value, int):
        return number_format(value, force_grouping=True).replace("-", "−")
    return value


@register.filter
def may_review(user: Any) -> bool:
    """Whether this visitor's role includes a voice at the review desk."""
    return review_rules.may_review(user)


@register.filter
def counted(number: int, words: str) -> str:
    """A count with its word: `{{ n|counted:"row,rows" }}`."""
    return COUNTED[words](number) % {"count": number_format(number, force_grouping=True)}


@register.filter
def visible(text: str) -> SafeString:
    """A text with what nobody would see in it shown, and what looks like something else marked."""
    return format_html_join("", "{}", ((_shown(sign),) for sign in reveal(text or "")))


def _shown(sign: Sign) -> str:
    if sign.kind == "hidden":
        return format_html(
            '<span class="sign" title="{}"><span class="visually-hidden">{}</span>'
            '<span aria-hidden="true">⟨{}⟩</span></span>',
            sign.tells,
            _("hidden sign: %s") % sign.tells,
            sign.code,
        )
    if sign.kind == "lookalike":
        tells = _("letters that look like others")
        return format_html(
            '<span class="sign sign-lookalike" title="{}">{}<span class="visually-hidden"> ({})'
            "</span></span>",
            tells,
            sign.text,
            tells,
        )
    return sign.text


@register.filter
def written(text: str, names: Collection[str] = ()) -> SafeString:
    """What somebody wrote, as Markdown made safe; `names` are accounts that it may link."""
    return markdown.render(text, names)


@register.simple_tag
def label(name: str, tone: str) -> SafeString:
    """A label of a PR, in its colour."""
    return format_html('<span class="badge label tone-{}">{}</span>', tone, name)


@register.simple_tag
def feeling(name: str) -> SafeString:
    """The icon of a reaction."""
    return icon(looks.FEELINGS[str(name)].icon)


@register.filter
def deadline(moment: datetime | None) -> SafeString | str:
    """By when, in a `<time>`: `by Friday 18:00`, or how late it is."""
    if moment is None:
        return ""
    late = moment < timezone.now()
    local = timezone.localtime(moment)
    said = date_format(local, "l H:i" if abs((moment - timezone.now()).days) < 6 else "j F")
    words = _("late since %s") if late else _("by %s")
    return format_html(
        '<time datetime="{}" title="{}" class="{}">{}</time>',
        moment.isoformat(),
        _from_now(moment),
        "late" if late else "due",
        words % said,
    )


@register.simple_tag
def languages() -> list[tuple[str, str]]:
    """Code and name of every language of the site, each named in itself."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


@register.filter
def tag_of(code: str) -> str:
    """A language as HTML names it: `zh-Hans` for `zh-hans`."""
    return to_locale(code).replace("_", "-")


@register.inclusion_tag("components/shortcuts.html")
def shortcuts() -> dict[str, Any]:
    """The list of keys."""
    return {"groups": keys.groups()}

"""The list of PRs: one box that filters, kept in the address, and filters kept by name."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Account
from apps.contributions import filters
from apps.contributions.discussion import actions
from apps.contributions.discussion import queries as discussion
from apps.contributions.errors import ContributionRefused
from apps.contributions.filters import Filter, parse
from apps.contributions.queries import public
from apps.pages import forms, queries
from apps.pages.paging import slice_of
from apps.pages.who import account_of, signed_in
from apps.skills.models import Skill

DEFAULT = "is:open"
# Addresses of older links: `?state=all&skill=…&author=…&text=…` says the same in four fields.
STATES = {"open": "is:open", "accepted": "is:accepted", "closed": "is:closed", "all": ""}
SORTS = {
    "created-desc": gettext_lazy("Newest"),
    "created-asc": gettext_lazy("Oldest"),
    "updated-desc": gettext_lazy("Latest change"),
    "rows-desc": gettext_lazy("Most rows"),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The PRs that the box asks for."""
    typed = _typed(request)
    wish = parse(typed)
    reader = signed_in(request)
    found = queries.with_marks(filters.find(wish, public(), reader))
    asked = {**request.GET.dict(), "q": typed}
    page = slice_of(found, asked, by=filters.SORTS[wish.sort])
    return render(
        request,
        "pages/contributions.html",
        {
            "typed": typed,
            "wish": wish,
            "tabs": _tabs(wish),
            "help": _help(),
            "menus": _menus(wish),
            "page": page,
            "saved": list(reader.filters.all()) if isinstance(reader, Account) else [],
        },
    )


@require_POST
@login_required
def save(request: HttpRequest) -> HttpResponse:
    """Keep a filter under a name, or forget it."""
    account, query = account_of(request), request.POST.get("q", "")
    if forgotten := request.POST.get("forget", ""):
        account.filters.filter(name=forgotten).delete()
    else:
        try:
            actions.save_filter(account, name=request.POST.get("name", ""), query=query)
        except ContributionRefused as refusal:
            messages.error(request, forms.sentence(refusal))
    return redirect(_address(query))


def _help() -> list[tuple[str, str]]:
    """What can be typed into the box."""
    return [
        ("is:open", _("or: %s") % ", ".join(sorted(set(filters.STATES) - {"open"}))),
        ('label:"needs a source"', _("with this label; quotes hold words together")),
        ("skill:date_short", _("for this skill, by its short name")),
        ("kind:correction", _("or: preference, rating, dataset")),
        ("author:name", _("also commenter, mentions, reviewer, assignee, involves; @me is you")),
        ("no:label", _("or: skill, reviewer, assignee")),
        ("-label:duplicate", _("a minus in front turns a term round")),
        ("sort:updated-desc", _("or: %s") % ", ".join(filters.SORTS)),
        ("words", _("anything else is looked for in titles; a number finds that PR")),
    ]


def _typed(request: HttpRequest) -> str:
    """What the box holds: `q`, or what an older address says in other fields."""
    asked = request.GET
    if "q" in asked or not asked.keys() & {"state", "skill", "author", "text"}:
        return asked.get("q", DEFAULT).strip()[: filters.LONGEST]
    wish = parse(STATES.get(asked.get("state", "open"), DEFAULT))
    for name in ("skill", "author"):
        if value := asked.get(name, "").strip():
            wish = wish.having(name, value)
    return f"{wish} {asked.get('text', '').strip()}".strip()


def _address(query: str) -> str:
    return f"{reverse('pages:contributions')}?{urlencode({'q': query})}"


def _tabs(wish: Filter) -> list[tuple[str, str, bool, None]]:
    states = {"open": _("Open"), "accepted": _("Accepted"), "closed": _("Closed")}
    now = wish.values("is")
    told: list[tuple[str, str, bool, None]] = [
        (word, _address(str(wish.having("is", state, instead=True))), now == [state], None)
        for state, word in states.items()
    ]
    return [*told, (_("All"), _address(str(wish.without("is"))), not now, None)]


def _menus(wish: Filter) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """The choices beside the box, as links: what each would make of the filter."""
    skills = Skill.objects.values_list("name", "title")
    labels = discussion.labels().values_list("name", flat=True)
    by_skill = [_toggled(wish, "skill", name, title) for name, title in skills]
    by_label = [_toggled(wish, "label", name, name) for name in labels]
    by_sort = [
        (str(word), _address(str(Filter(wish.terms, sort))), sort == wish.sort)
        for sort, word in SORTS.items()
    ]
    menus = [(_("Skill"), by_skill), (_("Label"), by_label), (_("Sort"), by_sort)]
    return [(word, choices) for word, choices in menus if choices]


def _toggled(wish: Filter, name: str, value: str, word: str) -> tuple[str, str, bool]:
    stands = value in wish.values(name)
    other = wish.without(name) if stands else wish.having(name, value, instead=True)
    return word, _address(str(other)), stands

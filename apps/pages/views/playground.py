"""The playground: ask the served model, see who answered, and say what the answer is worth."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.checks import hints
from apps.contributions import votes
from apps.contributions.drafts import Owner
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Pair, Vote
from apps.pages import forms
from apps.pages.visitors import owner_of
from apps.rollouts import allowance, asking
from apps.rollouts.errors import RolloutRefused
from apps.skills.models import ModelLine
from apps.skills.queries import the_line
from apps.traces import clusters
from apps.traces.models import Trace

Messages = list[dict[str, str]]
HELP_SHOWN = 5


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def playground(request: HttpRequest) -> HttpResponse:
    """Ask something; a POST asks, or asks two versions at once for a blind comparison."""
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    form = forms.AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        owner = owner_of(request, keep=True)
        earlier = votes.own_trace(request.POST.get("after", ""), owner)
        said = [*_conversation(earlier), {"role": "user", "content": form.cleaned_data["prompt"]}]
        try:
            if request.POST.get("do") == "compare":
                return _compare(line, said, owner)
            return _ask(line, said, owner)
        except RolloutRefused as refusal:
            form.add_error("prompt", forms.sentence(refusal))
    helped = _shown(clusters.help_wanted(line, HELP_SHOWN))
    return render(request, "pages/playground.html", {"form": form, "line": line, "wanted": helped})


@never_cache
@require_safe
def answer(request: HttpRequest, number: int) -> HttpResponse:
    """One answer: the conversation, who answered, and what can be done about it."""
    trace = _own(request, f"tr_{number}")
    return render(
        request,
        "pages/answer.html",
        {
            "trace": trace,
            "turns": trace.messages,
            "vote": votes.vote_on(trace=trace),
            "form": forms.AskForm(),
            "stars": range(1, 6),
        },
    )


@require_POST
def rate(request: HttpRequest, number: int) -> HttpResponse:
    """A thumb, or stars; with “and correct it” the form for the right answer opens."""
    trace = _own(request, f"tr_{number}")
    given = request.POST.get("stars", "")
    stars = int(given) if given in ("1", "2", "3", "4", "5") else None
    owner = owner_of(request, keep=True)
    try:
        _vote, fresh = votes.rate(
            trace, by=owner, verdict=request.POST.get("verdict", ""), stars=stars
        )
    except ContributionRefused as refusal:
        messages.error(request, forms.sentence(refusal))
    else:
        _thank(request, owner, fresh)
    if request.POST.get("then") == "correct":
        return redirect(f"{reverse('pages:submit')}?kind=correction&trace={trace.public_id}")
    return redirect("pages:answer", number=trace.pk)


@never_cache
@require_safe
def pair(request: HttpRequest, key: str) -> HttpResponse:
    """Two answers side by side; which version gave which is told after the vote."""
    found = _own_pair(request, key)
    vote = votes.vote_on(pair=found)
    return render(
        request,
        "pages/compare.html",
        {
            "pair": found,
            "turns": found.a.messages,
            "same": found.a.answer == found.b.answer,
            "vote": vote,
            "sides": [("A", found.a), ("B", found.b)],
            "decided": bool(vote and vote.verdict in (Vote.Verdict.A, Vote.Verdict.B)),
            "choices": [(verdict.value, verdict.label) for verdict in votes.SIDES],
        },
    )


@require_POST
def vote(request: HttpRequest, key: str) -> HttpResponse:
    """Say which answer is better, once."""
    found = _own_pair(request, key)
    owner = owner_of(request, keep=True)
    try:
        _cast, fresh = votes.vote(found, by=owner, verdict=request.POST.get("verdict", ""))
    except ContributionRefused as refusal:
        messages.error(request, forms.sentence(refusal))
    else:
        _thank(request, owner, fresh)
    return redirect("pages:pair", key=found.key)


@require_safe
def help_wanted(request: HttpRequest) -> HttpResponse:
    """Questions that the model keeps getting wrong, as several people have asked them."""
    try:
        line = the_line()
    except ModelLine.DoesNotExist:
        return render(request, "pages/unfounded.html")
    wanted = _shown(clusters.help_wanted(line))
    return render(request, "pages/help_wanted.html", {"wanted": wanted, "line": line})


def _ask(line: ModelLine, said: Messages, owner: Owner) -> HttpResponse:
    asked = asking.question(said, user=votes.asker(owner))
    route = asking.route_of(line, asked)
    allowance.spend(asked.user, owner.account)
    _said, trace = asking.answer(line, asked, route, owner.account)
    return redirect("pages:answer", number=trace.pk)


def _compare(line: ModelLine, said: Messages, owner: Owner) -> HttpResponse:
    asked = asking.question(said, user=votes.asker(owner))
    allowance.spend(asked.user, owner.account, answers=2)
    both = asking.two_answers(line, asked, owner.account)
    return redirect("pages:pair", key=votes.pair_up(*both, by=owner).key)


def _conversation(trace: Trace | None) -> Messages:
    """What was said before, for a question that goes on from there."""
    return [*trace.messages, {"role": "assistant", "content": trace.answer}] if trace else []


def _shown(wanted: list[clusters.Cluster]) -> list[clusters.Cluster]:
    """Those in whose words nothing looks private."""
    return [one for one in wanted if not hints.marks(f"{one.form}\n{one.question}")]


def _thank(request: HttpRequest, owner: Owner, fresh: bool) -> None:
    if not fresh:
        messages.info(request, _("You said so before; the first time counts."))
    elif owner.account:
        messages.success(request, _("Thank you, that counts."))
    else:
        messages.success(
            request, _("Thank you, that is kept. It counts as soon as you sign in, if you ever do.")
        )


def _own(request: HttpRequest, public_id: str) -> Trace:
    trace = votes.own_trace(public_id, owner_of(request))
    if trace is None:
        raise Http404
    return trace


def _own_pair(request: HttpRequest, key: str) -> Pair:
    found = votes.own_pair(key, owner_of(request))
    if found is None:
        raise Http404
    return found

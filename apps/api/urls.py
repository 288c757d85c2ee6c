"""The addresses of the REST face, without a slash at the end."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

# Makes the converters of ids (`<pr:number>`) known.
from apps.api import ids  # noqa: F401
from apps.api.views import (
    accounts,
    agreement,
    appeals,
    argilla,
    builds,
    community,
    contributions,
    exports,
    feedback,
    inbox,
    many,
    operations,
    queue,
    reviews,
    rollouts,
    site,
    skips,
    webhooks,
)

app_name = "api"

addresses: list[URLPattern] = [
    path("accounts", accounts.Accounts.as_view(), name="accounts"),
    path("accounts/<str:name>/role", accounts.RoleOf.as_view(), name="role"),
    path("accounts/<str:name>/organisation", queue.Organisation.as_view(), name="organisation"),
    path("services", accounts.Services.as_view(), name="services"),
    path("services/<str:name>", accounts.OneService.as_view(), name="service"),
    path("services/<str:name>/tokens", accounts.ServiceTokens.as_view(), name="service-tokens"),
    path("me", accounts.Me.as_view(), name="me"),
    path("tokens", accounts.Tokens.as_view(), name="tokens"),
    path("tokens/pattern", accounts.Pattern.as_view(), name="token-pattern"),
    path("tokens/revoke-leaked", accounts.Leaked.as_view(), name="revoke-leaked"),
    path("tokens/<token:number>", accounts.OneToken.as_view(), name="token"),
    path("skills", site.Skills.as_view(), name="skills"),
    path("contributions", contributions.Contributions.as_view(), name="contributions"),
    path("contributions/bulk", many.Bulk.as_view(), name="bulk"),
    path("contributions/<pr:number>", contributions.OneContribution.as_view(), name="contribution"),
    path("contributions/<pr:number>/rows", contributions.Rows.as_view(), name="contribution-rows"),
    path(
        "contributions/<pr:number>/revisions", contributions.Revisions.as_view(), name="revisions"
    ),
    path("contributions/<pr:number>/withdraw", contributions.Withdrawal.as_view(), name="withdraw"),
    path("contributions/<pr:number>/comments", contributions.Comments.as_view(), name="comments"),
    path("contributions/<pr:number>/life", contributions.Life.as_view(), name="life"),
    path("contributions/<pr:number>/evidence", reviews.Measured.as_view(), name="evidence"),
    path("contributions/<pr:number>/decision", reviews.Decisions.as_view(), name="decision"),
    path("contributions/<pr:number>/claim", queue.Claim.as_view(), name="claim"),
    path("contributions/<pr:number>/skip", skips.Skips.as_view(), name="skip"),
    path("contributions/<pr:number>/appeals", appeals.Appeals.as_view(), name="appeals"),
    path("contributions/<pr:number>/appeals/hearing", appeals.Hearing.as_view(), name="hearing"),
    path("contributions/<pr:number>/hold", builds.HoldOn.as_view(), name="hold"),
    path("exports", exports.Exports.as_view(), name="exports"),
    path("contributions/<pr:number>/sample", agreement.Samples.as_view(), name="sample"),
    path("reviews/queue", reviews.Queue.as_view(), name="queue"),
    path("reviews/next", queue.Next.as_view(), name="next"),
    path("reviews/appeals", appeals.OpenAppeals.as_view(), name="open-appeals"),
    path("reviews/habits", queue.HabitsOf.as_view(), name="habits"),
    path("reviews/ties", queue.Ties.as_view(), name="ties"),
    path("reviews/ties/<int:number>/dismissal", queue.Dismissal.as_view(), name="dismissal"),
    path("reviews/agreement", agreement.Agreement.as_view(), name="agreement"),
    path("reviews/audits", agreement.Audits.as_view(), name="audits"),
    path("argilla/events", argilla.Events.as_view(), name="argilla-events"),
    path("feedback/bulk", feedback.Outcomes.as_view(), name="feedback"),
    path("feedback/terms", feedback.StandingTerms.as_view(), name="feedback-terms"),
    path("operations/<str:name>", operations.Operation.as_view(), name="operation"),
    path("operations/<str:name>/rows", operations.OperationRows.as_view(), name="operation-rows"),
    path("comparisons", feedback.Comparisons.as_view(), name="comparisons"),
    path("builds", builds.Builds.as_view(), name="builds"),
    path("builds/<build:number>", builds.OneBuild.as_view(), name="build"),
    path("builds/<build:number>/override", builds.Override.as_view(), name="override"),
    path("rollouts", rollouts.Rollouts.as_view(), name="rollouts"),
    path("rollouts/<rollout:number>", rollouts.OneRollout.as_view(), name="rollout"),
    *(
        path(f"rollouts/<rollout:number>/{verb}", rollouts.Step.as_view(verb=verb), name=verb)
        for verb in rollouts.STEPS
    ),
    path("contributions/<pr:number>/follow", inbox.Follow.as_view(), name="follow"),
    path("inbox", inbox.Inbox.as_view(), name="inbox"),
    path("webhooks", webhooks.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<we:number>", webhooks.OneWebhook.as_view(), name="webhook"),
    path("webhooks/<we:number>/key", webhooks.NewKey.as_view(), name="webhook-key"),
    path("webhooks/<we:number>/on", webhooks.SwitchedOn.as_view(), name="webhook-on"),
    path("webhooks/<we:number>/ping", webhooks.Ping.as_view(), name="webhook-ping"),
    path("webhooks/<we:number>/deliveries", webhooks.Deliveries.as_view(), name="deliveries"),
    path(
        "webhooks/<we:number>/deliveries/<dlv:delivery>/replay",
        webhooks.Replay.as_view(),
        name="replay",
    ),
    path("leaderboard", community.Board.as_view(), name="leaderboard"),
    path("events", community.Events.as_view(), name="events"),
    path("versions", site.Versions.as_view(), name="versions"),
    path("problems", site.Problems.as_view(), name="problems"),
    path("openapi.json", site.OpenAPI.as_view(), name="openapi"),
    path("problems/<slug:code>", site.ProblemPage.as_view(), name="problem"),
]

urlpatterns: list[URLPattern] = [
    path("", site.Index.as_view(addresses=addresses), name="index"),
    *addresses,
    re_path(r"^[\s\S]*$", site.Nothing.as_view(), name="nothing"),
]

"""The addresses of the REST face, without a slash at the end."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from apps.api.views import (
    accounts,
    builds,
    community,
    contributions,
    feedback,
    reviews,
    rollouts,
    site,
)

app_name = "api"

addresses: list[URLPattern] = [
    path("accounts", accounts.Accounts.as_view(), name="accounts"),
    path("accounts/<str:name>/role", accounts.RoleOf.as_view(), name="role"),
    path("services", accounts.Services.as_view(), name="services"),
    path("services/<str:name>", accounts.OneService.as_view(), name="service"),
    path("services/<str:name>/tokens", accounts.ServiceTokens.as_view(), name="service-tokens"),
    path("me", accounts.Me.as_view(), name="me"),
    path("tokens", accounts.Tokens.as_view(), name="tokens"),
    path("tokens/<int:number>", accounts.OneToken.as_view(), name="token"),
    path("skills", site.Skills.as_view(), name="skills"),
    path("contributions", contributions.Contributions.as_view(), name="contributions"),
    path("contributions/bulk", contributions.Bulk.as_view(), name="bulk"),
    path(
        "contributions/<int:number>", contributions.OneContribution.as_view(), name="contribution"
    ),
    path("contributions/<int:number>/rows", contributions.Rows.as_view(), name="contribution-rows"),
    path(
        "contributions/<int:number>/revisions", contributions.Revisions.as_view(), name="revisions"
    ),
    path(
        "contributions/<int:number>/withdraw", contributions.Withdrawal.as_view(), name="withdraw"
    ),
    path("contributions/<int:number>/comments", contributions.Comments.as_view(), name="comments"),
    path("contributions/<int:number>/life", contributions.Life.as_view(), name="life"),
    path("contributions/<int:number>/decision", reviews.Decisions.as_view(), name="decision"),
    path("contributions/<int:number>/hold", builds.HoldOn.as_view(), name="hold"),
    path("reviews/queue", reviews.Queue.as_view(), name="queue"),
    path("feedback/bulk", feedback.Outcomes.as_view(), name="feedback"),
    path("comparisons", feedback.Comparisons.as_view(), name="comparisons"),
    path("builds", builds.Builds.as_view(), name="builds"),
    path("builds/<int:number>", builds.OneBuild.as_view(), name="build"),
    path("builds/<int:number>/override", builds.Override.as_view(), name="override"),
    path("rollouts", rollouts.Rollouts.as_view(), name="rollouts"),
    path("rollouts/<int:number>", rollouts.OneRollout.as_view(), name="rollout"),
    *(
        path(f"rollouts/<int:number>/{verb}", rollouts.Step.as_view(verb=verb), name=verb)
        for verb in rollouts.STEPS
    ),
    path("leaderboard", community.Board.as_view(), name="leaderboard"),
    path("events", community.Events.as_view(), name="events"),
    path("problems/<slug:code>", site.ProblemPage.as_view(), name="problem"),
]

urlpatterns: list[URLPattern] = [
    path("", site.Index.as_view(addresses=addresses), name="index"),
    *addresses,
    re_path(r"^.*$", site.Nothing.as_view(), name="nothing"),
]

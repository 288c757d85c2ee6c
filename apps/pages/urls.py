"""The addresses of the pages."""

from allauth.account import views as signing
from django.urls import path
from django.views.decorators.http import require_safe

from apps.pages.views import (
    accounts,
    builds,
    community,
    contributions,
    feeds,
    home,
    mine,
    reviews,
    rollouts,
    style,
    submit,
    webhooks,
)

app_name = "pages"

urlpatterns = [
    path("", home.home, name="home"),
    path("prs", contributions.index, name="contributions"),
    path("prs/<int:number>", contributions.show, name="contribution"),
    path("prs/<int:number>/rows", contributions.rows, name="contribution_rows"),
    path("prs/<int:number>/checks", contributions.checks, name="contribution_checks"),
    path("prs/<int:number>/history", contributions.past, name="contribution_history"),
    path("prs/<int:number>/comment", contributions.comment, name="comment"),
    path("prs/<int:number>/withdraw", contributions.withdraw, name="withdraw"),
    path("prs/<int:number>/revise", contributions.revise, name="revise"),
    path("submit", submit.submit, name="submit"),
    path("review", reviews.desk, name="desk"),
    path("review/next", reviews.take_next, name="next"),
    path("review/<int:number>", reviews.review, name="review"),
    path("builds", builds.index, name="builds"),
    path("builds/plan", builds.plan, name="plan"),
    path("builds/<int:number>", builds.show, name="build"),
    path("builds/<int:number>/override", builds.override, name="override"),
    path("builds/<int:number>/roll-out", builds.roll_out, name="roll_out"),
    path("rollouts", rollouts.index, name="rollouts"),
    path("rollouts/<int:number>", rollouts.show, name="rollout"),
    path("rollouts/<int:number>/act", rollouts.act, name="rollout_act"),
    path("leaderboard", community.leaderboard, name="leaderboard"),
    # The project serves these three (django-allauth does); here they have their names.
    path("sign-in", signing.login, name="sign_in"),
    path("sign-up", signing.signup, name="sign_up"),
    path("sign-out", signing.logout, name="sign_out"),
    path("tokens", accounts.tokens, name="tokens"),
    path("tokens/<int:number>/revoke", accounts.revoke, name="revoke"),
    path("services", accounts.services, name="services"),
    path("services/<str:name>/token", accounts.service_token, name="service_token"),
    path("services/<str:name>/close", accounts.close_service, name="close_service"),
    path("sessions/<int:number>/end", accounts.end_session, name="end_session"),
    path("prs/<int:number>/follow", mine.follow, name="follow"),
    path("my", mine.work, name="my_work"),
    path("inbox", mine.inbox, name="inbox"),
    path("inbox/mark", mine.mark, name="mark"),
    path("inbox/mail", mine.wish_mail, name="wish_mail"),
    path("unsubscribe/<str:token>", mine.unsubscribe, name="unsubscribe"),
    path("webhooks", webhooks.webhooks, name="webhooks"),
    path("webhooks/<int:number>", webhooks.webhook, name="webhook"),
    path("webhooks/<int:number>/<slug:verb>", webhooks.change, name="webhook_change"),
    path("webhooks/<int:number>/<int:delivery>/replay", webhooks.replay, name="webhook_replay"),
    path("feeds/prs.atom", require_safe(feeds.Prs()), name="feed_prs"),
    path("feeds/versions.atom", require_safe(feeds.Versions()), name="feed_versions"),
    path("feeds/people/<str:name>.atom", require_safe(feeds.PrsOf()), name="feed_person"),
    path("prs/<int:number>.atom", require_safe(feeds.LifeOf()), name="feed_pr"),
    path("style", style.style, name="style"),
]

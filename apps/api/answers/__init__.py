"""How things look to a client: plain dictionaries, each field named here and nowhere else."""

from apps.api.answers.accounts import account, person, proposal, service, skill, token
from apps.api.answers.builds import build, build_page, look, pair, rollout, rollout_page
from apps.api.answers.community import delivery, endpoint, event, leaderboard, notice
from apps.api.answers.contributions import (
    EXPANSIONS,
    comment,
    contribution,
    contribution_page,
    decision,
    evidence,
    expanded,
    finding,
    held,
    hops,
    promise,
    revision,
    row,
)
from apps.api.answers.feedback import operation, unstored
from apps.api.answers.reviews import (
    alpha,
    appeal,
    audit,
    awaits,
    claim,
    habits,
    overturned,
    score,
    tie,
)

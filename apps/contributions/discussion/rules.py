"""Who may talk, mark and close a conversation."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.contributions import rules
from apps.contributions.discussion.models import Comment, Thread
from apps.contributions.errors import Locked, NotForYou, NotYours
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage

TEAM = (Role.REVIEWER, Role.MAINTAINER, Role.RELEASE_MANAGER, Role.ADMIN)
LABEL = (Role.TRUSTED, *TEAM)
LOCK = (Role.MAINTAINER, Role.ADMIN)
MAKE_LABELS = (Role.MAINTAINER, Role.ADMIN)

Person = Account | AnonymousUser


def may_say(account: Person, contribution: Contribution) -> bool:
    """Whether the account may talk here: a draft is its author's, a locked talk the team's."""
    if not isinstance(account, Account):
        return False
    if contribution.stage == Stage.DRAFT:
        return rules.is_author(account, contribution)
    return not contribution.locked or account.role in TEAM


def may_label(account: Person, contribution: Contribution) -> bool:
    """Whether the account may label this contribution."""
    return isinstance(account, Account) and account.role in LABEL


def may_lock(account: Person) -> bool:
    """Whether the account may close and open conversations."""
    return isinstance(account, Account) and account.role in LOCK


def may_make_labels(account: Person) -> bool:
    """Whether the account may make new labels."""
    return isinstance(account, Account) and account.role in MAKE_LABELS


def may_resolve(account: Person, thread: Thread) -> bool:
    """The PR's author, whoever opened the thread, and the team."""
    if not isinstance(account, Account):
        return False
    own = account.pk in (thread.opened_by_id, thread.contribution.author_id)
    return own or account.role in TEAM


def ensure_may_say(account: Account, contribution: Contribution) -> None:
    """`Locked` or `NotForYou` unless the account may talk here."""
    if may_say(account, contribution):
        return
    if contribution.locked:
        said = _("the conversation of %(pr)s is closed; only the team can go on")
        raise Locked(said % {"pr": contribution})
    said = _("%(pr)s is a draft; only its author can talk about it")
    raise NotForYou(said % {"pr": contribution})


def ensure_may_see_rows(account: Account, contribution: Contribution) -> None:
    """`NotForYou` unless the account may read the rows."""
    if not rules.may_see_rows(account, contribution):
        said = _("the rows of %(pr)s are not for everybody now")
        raise NotForYou(said % {"pr": contribution})


def ensure_may_label(account: Account, contribution: Contribution) -> None:
    """`NotForYou` unless the account may label."""
    if not may_label(account, contribution):
        raise NotForYou(_("labels are set by trusted contributors and the team"))


def ensure_may_lock(account: Account) -> None:
    """`NotForYou` unless the account may close a conversation."""
    if not may_lock(account):
        raise NotForYou(_("a maintainer closes and opens conversations"))


def ensure_may_resolve(account: Account, thread: Thread) -> None:
    """`NotForYou` unless the account may resolve this thread."""
    if not may_resolve(account, thread):
        raise NotForYou(_("the PR's author, the thread's author or the team resolves a thread"))


def ensure_wrote(account: Account, comment: Comment) -> None:
    """`NotYours` unless the account wrote the comment: nobody changes another's words."""
    if comment.author_id != account.pk:
        said = _("%(author)s wrote this; only they can change it")
        raise NotYours(said % {"author": comment.author})

"""Which accounts came from the same network within days: evidence that they may be one person's.

A network is an IPv4 address or the /64 of an IPv6 one. Those of one machine or one house say
nothing, and neither does one from which many come (a campus, a company, a carrier).
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone

# A service's calls are its owner's.
SEEN = """
    SELECT coalesce(a.owner_id, a.id) AS account, CASE family(ip) WHEN 4 THEN host(ip)
           ELSE network(set_masklen(ip, 64))::text END AS network, max(at) AS at
    FROM (
        SELECT user_id, ip, last_seen_at FROM usersessions_usersession
        UNION ALL
        SELECT account_id, last_used_from, last_used_at FROM accounts_token
        WHERE last_used_from IS NOT NULL
    ) come (account_id, ip, at) JOIN accounts_account a ON a.id = come.account_id
    WHERE at > %(since)s
      AND (%(pair)s::bigint[] IS NULL OR come.account_id IN (
        SELECT id FROM accounts_account WHERE id = ANY(%(pair)s) OR owner_id = ANY(%(pair)s)))
      AND NOT ip <<= ANY(ARRAY[
        '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16',
        '172.16.0.0/12', '192.168.0.0/16', '::1/128', 'fc00::/7', 'fe80::/10']::inet[])
    GROUP BY 1, 2
"""
SHARED = f"""
    WITH seen AS ({SEEN}),
    few AS (SELECT network FROM seen GROUP BY 1 HAVING count(*) BETWEEN 2 AND %(crowd)s)
    SELECT one.account, other.account, min(abs(extract(epoch FROM one.at - other.at))) / 86400
    FROM few JOIN seen one USING (network) JOIN seen other USING (network)
    WHERE one.account < other.account
    GROUP BY 1, 2
"""  # noqa: S608 (nothing in it comes from elsewhere)


def shared(*, days: int, crowd: int) -> dict[tuple[int, int], float]:
    """Pairs of people (smaller number first) who came from one network within `days`.

    The value is how many days lay between their latest visits; a network of more than `crowd`
    people ties nobody.
    """
    return _pairs(days, crowd, None)


def met(one: int, other: int, *, days: int, crowd: int) -> bool:
    """Whether these two people share a network now, which is not one of a crowd."""
    if not _pairs(days, crowd, [one, other]):
        return False
    # Only who shares one at all is worth the count of everybody else who came from there.
    return (min(one, other), max(one, other)) in shared(days=days, crowd=crowd)


def _pairs(days: int, crowd: int, pair: list[int] | None) -> dict[tuple[int, int], float]:
    since = timezone.now() - timedelta(days=days)
    with connection.cursor() as cursor:
        cursor.execute(SHARED, {"since": since, "crowd": crowd, "pair": pair})
        return {(one, other): float(apart) for one, other, apart in cursor.fetchall()}

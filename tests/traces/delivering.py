"""Sending feedback in tests without HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from apps.accounts.models import Account
from apps.traces import queries
from apps.traces.feedback import delivering
from apps.traces.feedback.delivering import Order, Receipt
from apps.traces.models import Delivery


def order_of(account: Account, **more: Any) -> Order:
    return Order(account, queries.desk_for(account), **more)


def send(account: Account, *rows: Any, **more: Any) -> Receipt:
    """Deliver rows as a JSON list."""
    return send_body(account, json.dumps(rows).encode(), **more)


def send_body(account: Account, body: bytes | Iterable[bytes], **more: Any) -> Receipt:
    """Deliver a body, whole or in pieces."""
    order = order_of(account, **more)
    pieces = [body] if isinstance(body, bytes) else body
    return delivering.take(order, pieces, header=lambda said: order)


def stored_by(receipt: Receipt) -> Delivery:
    assert receipt.delivery is not None
    return receipt.delivery

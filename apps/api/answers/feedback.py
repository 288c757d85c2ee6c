"""What became of a delivery of feedback, as the API shows it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from apps.traces import queries as traces
from apps.traces.models import Delivery, Unstored
from apps.traces.stages import Stage as DeliveryStage


def operation(delivery: Delivery) -> dict[str, Any]:
    """A large delivery and how far it is."""
    left = traces.bytes_left(delivery) if delivery.stage == DeliveryStage.WAITING else 0
    name = delivery.public_id
    return {
        "id": name,
        "stage": delivery.stage,
        "done": delivery.stage in (DeliveryStage.DONE, DeliveryStage.FAILED),
        "progress": round(1 - left / delivery.size, 3) if delivery.size else 0.0,
        "bytes": delivery.size,
        "counts": {
            "rows": delivery.rows,
            "stored": delivery.stored,
            "duplicate": delivery.duplicates,
            "refused": delivery.refused,
        },
        "terms": {"licence": delivery.licence, "consent": delivery.consent}
        if delivery.licence
        else None,
        "fault": delivery.fault or None,
        "received_at": delivery.received_at,
        "ended_at": delivery.ended_at,
        "links": {
            "self": reverse("api:operation", args=[name]),
            "rows": reverse("api:operation-rows", args=[name]),
        },
    }


def unstored(row: Unstored) -> dict[str, Any]:
    """A row of a delivery that was not stored."""
    if row.of:
        return {"row": row.row, "verdict": "duplicate", "of": row.of}
    return {
        "row": row.row,
        "verdict": "refused",
        "code": row.code,
        "pointer": f"/items/{row.row}/{row.pointer}".rstrip("/"),
        "detail": row.detail,
        "mend": row.mend,
    }

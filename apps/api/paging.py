"""Pages by opaque cursor: stable while rows are added, and as cheap at the end as at the start."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Problem

MOST_ITEMS = 200


class NewestFirst(CursorPagination):
    """By number, newest first; `limit` up to 200; links in the body and as RFC 8288 `Link`."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MOST_ITEMS

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get("limit")
        if asked is None:
            return self.page_size
        if not asked.isascii() or not asked.isdigit() or not 0 < int(asked[:9]) <= MOST_ITEMS:
            raise Problem("bad_parameter", f"limit is not a number from 1 to {MOST_ITEMS}")
        return int(asked)

    def decode_cursor(self, request: Request) -> Any:
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                int(cursor.position)
        except (NotFound, ValueError) as error:
            mend = "take it from next or prev of an earlier page, or leave it out"
            raise Problem("bad_parameter", f"the cursor is not one of ours; {mend}") from error
        return cursor

    def get_paginated_response(self, data: list[Any]) -> Response:
        links = {"next": self.get_next_link(), "prev": self.get_previous_link()}
        header = ", ".join(f'<{link}>; rel="{rel}"' for rel, link in links.items() if link)
        return Response({"items": data, **links}, headers={"Link": header} if header else None)


def link_after(item: Model, address: str) -> str:
    """The page of the list at this address, newest first, that begins after this item."""
    pages = NewestFirst()
    pages.base_url = address
    return str(pages.encode_cursor(Cursor(offset=0, reverse=False, position=item.pk)))


class OldestFirst(NewestFirst):
    """By number, oldest first: how a record is read, and a queue."""

    ordering = "pk"


class ByPosition(NewestFirst):
    """Rows in the order in which they were sent."""

    ordering = "position"

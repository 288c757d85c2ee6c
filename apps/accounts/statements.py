"""Queries that are put into SQL once and asked many times.

Django writes the SQL of a queryset anew at each use, which takes many times as long as PostgreSQL
takes to find a row by its key. Where everybody waits for the answer, a queryset with holes is
written once for a process and asked with values:

    HOLDER = Statement(lambda: Token.objects.filter(digest=Hole("digest")))
    token = HOLDER.first(digest="…")

It yields what the queryset would: models with what they select besides, tuples of `values_list`, or
single values where that is flat. Values go to the database as they are, so they have the types of
its columns; what Django decides by looking at a value (an empty list, None) it cannot decide about
a hole.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Expression, QuerySet
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    ValuesListIterable,
    get_related_populators,
)
from django.db.models.sql.compiler import SQLCompiler

Found = TypeVar("Found")
Row = list[Any]


class Hole(Expression):
    """The place of a value that is given when the statement is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        return "%s", [self]


class Statement(Generic[Found]):
    """A queryset whose SQL is written at its first use; `Found` is what it yields."""

    def __init__(self, build: Callable[[], QuerySet[Any, Found]]) -> None:
        self._build = build
        self._written: _Written | None = None

    def all(self, **values: object) -> list[Found]:
        """Every row that the holes' values choose; KeyError where one is missing."""
        written = self._written or self._write()
        connection = connections[written.database]
        with connection.cursor() as cursor:
            cursor.execute(written.sql, written.filled(values))
            rows = [list(row[: written.width]) for row in cursor.fetchall()]
        for at, converters, expression in written.converters:
            for row in rows:
                for convert in converters:
                    row[at] = convert(row[at], expression, connection)
        return [written.yielded(row) for row in rows]

    def first(self, **values: object) -> Found | None:
        """The first of them, or None; a statement that may find many should be cut to one."""
        found = self.all(**values)
        return found[0] if found else None

    def any(self, **values: object) -> bool:
        """Whether there is one."""
        return bool(self.all(**values))

    def _write(self) -> _Written:
        self._written = _Written(self._build())
        return self._written


class _Written:
    """The SQL of a queryset, its holes, and what becomes of a row."""

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        self.database = rows.db
        compiler = rows.query.get_compiler(using=rows.db)
        self.sql, self.holes = compiler.as_sql()
        # Beyond these stand columns that only order the rows.
        self.width = compiler.col_count
        columns = [column for column, *_named in compiler.select]
        converters = compiler.get_converters(columns)
        self.converters = [(at, *converters[at]) for at in sorted(converters)]
        self.yielded = _yielding(rows, compiler)

    def filled(self, values: dict[str, object]) -> list[Any]:
        """The parameters of the SQL, in order."""
        return [values[one.name] if isinstance(one, Hole) else one for one in self.holes]


def _yielding(rows: QuerySet[Any, Any], compiler: SQLCompiler) -> Callable[[Row], Any]:
    """What makes of a row what the queryset yields; TypeError for a queryset of another kind."""
    kind = rows._iterable_class
    if kind is FlatValuesListIterable:
        return itemgetter(0)
    if kind is ValuesListIterable:
        return tuple
    if kind is not ModelIterable or compiler.annotation_col_map:
        raise TypeError(f"a statement yields models or values_list(), not {kind.__name__}")
    return _modelling(rows.db, compiler)


def _modelling(database: str, compiler: SQLCompiler) -> Callable[[Row], Any]:
    """As `django.db.models.query.ModelIterable` does it, with everything looked up beforehand."""
    described, select = compiler.klass_info, compiler.select
    assert described is not None
    fields = described["select_fields"]
    first, end = fields[0], fields[-1] + 1
    model, names = described["model"], [column.target.attname for column, *_ in select[first:end]]
    # (The stubs speak of a later Django.)
    related = get_related_populators(described, select, database)  # type: ignore[call-arg]

    def modelled(row: Row) -> Any:
        found = model.from_db(database, names, row[first:end])
        for one in related:
            one.populate(row, found)
        return found

    return modelled

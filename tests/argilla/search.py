"""A stand-in for Elasticsearch, as large as argilla-server 2.8 asks for: for tests, in memory.

Indices are dictionaries of documents; a query is compiled into a predicate. What is not known here
answers 501 and says so, so that a gap is seen and not guessed around. Text is matched by words,
without relevance: the order of hits is that of their coming, or the one asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Document = dict[str, Any]
Matches = Callable[[str, Document], bool]
WORD = re.compile(r"\w+")


class NotSpoken(Exception):
    """A part of Elasticsearch's language that the stand-in does not know."""


class Refused(Exception):
    """An answer that is no success: status and kind."""

    def __init__(self, status: int, kind: str) -> None:
        super().__init__(kind)
        self.status = status


@dataclass
class Index:
    """Documents by id, in the order of their coming, and the mapping as it was given."""

    mappings: dict[str, Any]
    settings: dict[str, Any]
    documents: dict[str, Document] = field(default_factory=dict)


def at(document: Any, path: str) -> list[Any]:
    """Every value under a dotted path; lists are looked into, `*` is any name."""
    found = [document]
    for name in path.split("."):
        inner: list[Any] = []
        for one in found:
            if isinstance(one, dict):
                inner += list(one.values()) if name == "*" else [one[name]] if name in one else []
        found = [leaf for one in inner for leaf in (one if isinstance(one, list) else [one])]
    return [one for one in found if one is not None]


def comparable(value: Any) -> Any:
    """Numbers as numbers, times as times; anything else as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return str(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def matching(query: dict[str, Any] | None) -> Matches:
    """The predicate that a query means."""
    if not query:
        return lambda key, document: True
    ((kind, said),) = query.items()
    if kind not in KINDS:
        raise NotSpoken(f"the query “{kind}”")
    return KINDS[kind](said)


def _bool(said: dict[str, Any]) -> Matches:
    def parts(name: str) -> list[Matches]:
        given = said.get(name) or []
        return [matching(one) for one in (given if isinstance(given, list) else [given])]

    needed = parts("must") + parts("filter")
    barred, perhaps = parts("must_not"), parts("should")
    least = int(said.get("minimum_should_match") or (1 if perhaps and not needed else 0))

    def matches(key: str, document: Document) -> bool:
        return (
            all(one(key, document) for one in needed)
            and not any(one(key, document) for one in barred)
            and sum(one(key, document) for one in perhaps) >= least
        )

    return matches


def _terms(said: dict[str, Any]) -> Matches:
    ((path, wanted),) = ((name, value) for name, value in said.items() if name != "boost")
    if isinstance(wanted, dict):
        wanted = wanted["value"]
    texts = {str(one) for one in (wanted if isinstance(wanted, list) else [wanted])}
    return lambda key, document: any(str(value) in texts for value in at(document, path))


def _range(said: dict[str, Any]) -> Matches:
    ((path, bounds),) = said.items()
    low, high = bounds.get("gte"), bounds.get("lte")
    if set(bounds) - {"gte", "lte"}:
        raise NotSpoken(f"a range by {sorted(bounds)}")

    def matches(key: str, document: Document) -> bool:
        values = [comparable(value) for value in at(document, path)]
        return any(
            (low is None or value >= comparable(low))
            and (high is None or value <= comparable(high))
            for value in values
        )

    return matches


def _nested(said: dict[str, Any]) -> Matches:
    path, inner = said["path"], matching(said["query"])
    # Each object under the path is asked for itself, as if it were the only one.
    return lambda key, document: any(inner(key, {path: one}) for one in at(document, path))


def _text(said: dict[str, Any]) -> Matches:
    wanted = {word.casefold() for word in WORD.findall(said["query"])}
    paths = said.get("fields") or ["*"]
    every = said.get("default_operator", "or").casefold() == "and"

    def matches(key: str, document: Document) -> bool:
        text = " ".join(str(value) for path in paths for value in at(document, path))
        words = {word.casefold() for word in WORD.findall(text)}
        return wanted <= words if every else bool(wanted & words)

    return matches


KINDS: dict[str, Callable[[Any], Matches]] = {
    "match_all": lambda said: lambda key, document: True,
    "bool": _bool,
    "term": _terms,
    "terms": _terms,
    "range": _range,
    "nested": _nested,
    "simple_query_string": _text,
    # Argilla shuffles by it for each annotator; here all see one order.
    "function_score": lambda said: matching(said.get("query")),
    "exists": lambda said: lambda key, document: bool(at(document, said["field"])),
    "ids": lambda said: lambda key, document: key in set(said["values"]),
}


class Engine:
    """All indices, and what each request does to them."""

    def __init__(self) -> None:
        self.indices: dict[str, Index] = {}

    def answer(self, method: str, path: str, asked: dict[str, str], body: bytes) -> Any:
        """The object to answer with; `Refused` or `NotSpoken`."""
        name, *rest = [unquote(part) for part in path.strip("/").split("/")]
        if not name:
            return {"version": {"number": "8.17.0"}, "tagline": "You Know, for Search"}
        if name == "_bulk":
            return self._bulk(body)
        said = json.loads(body) if body.strip() else {}
        if not rest:
            return self._index(method, name, said, asked)
        index, verb = self._known(name), rest[0]
        if verb == "_mapping" and method == "PUT":
            index.mappings.setdefault("properties", {}).update(said.get("properties", {}))
            return {"acknowledged": True}
        if verb == "_update":
            self._update(index, rest[1], said)
            return {"_index": name, "_id": rest[1], "result": "updated"}
        if verb == "_search":
            return self._search(
                name, index, said | {k: int(v) for k, v in asked.items() if k in ("from", "size")}
            )
        raise NotSpoken(f"{method} {path}")

    def _known(self, name: str) -> Index:
        if name not in self.indices:
            raise Refused(404, "index_not_found_exception")
        return self.indices[name]

    def _index(self, method: str, name: str, said: Document, asked: dict[str, str]) -> Any:
        if method == "PUT":
            if name in self.indices:
                raise Refused(400, "resource_already_exists_exception")
            self.indices[name] = Index(said.get("mappings", {}), said.get("settings", {}))
            return {"acknowledged": True, "shards_acknowledged": True, "index": name}
        if method == "DELETE":
            self.indices.pop(name, None)
            return {"acknowledged": True}
        index = self._known(name)
        return {name: {"mappings": index.mappings, "settings": index.settings}}

    def _bulk(self, body: bytes) -> Any:
        lines = iter(line for line in body.splitlines() if line.strip())
        items: list[Any] = []
        for line in lines:
            ((verb, meta),) = json.loads(line).items()
            said = json.loads(next(lines)) if verb != "delete" else {}
            items.append({verb: self._one_of_bulk(verb, meta, said)})
        return {
            "took": 0,
            "errors": any("error" in one for i in items for one in i.values()),
            "items": items,
        }

    def _one_of_bulk(self, verb: str, meta: Document, said: Document) -> Document:
        told = {"_index": meta["_index"], "_id": meta["_id"], "status": 200}
        try:
            index = self._known(meta["_index"])
            if verb == "delete":
                index.documents.pop(meta["_id"], None)
            elif verb == "update":
                self._update(index, meta["_id"], said)
            else:
                index.documents[meta["_id"]] = said
        except Refused as refused:
            told |= {"status": refused.status, "error": {"type": str(refused)}}
        return told

    def _update(self, index: Index, key: str, said: Document) -> None:
        if key not in index.documents:
            raise Refused(404, "document_missing_exception")
        document = index.documents[key]
        if "doc" in said:
            _merge(document, said["doc"])
            return
        # Argilla sends three scripts; they are known by what they say, and not run.
        script = said["script"] if isinstance(said["script"], dict) else {"source": said["script"]}
        source = script["source"]
        if gone := re.search(r'suggestions"\]\.remove\("(.+?)"\)', source):
            document.get("suggestions", {}).pop(gone[1], None)
        elif "responses" in source and "response" in script.get("params", {}):
            response = script["params"]["response"]
            kept = [one for one in document.get("responses") or [] if one["id"] != response["id"]]
            document["responses"] = [*kept, response] if "responses.add" in source else kept
        else:
            raise NotSpoken(f"the script {source[:200]}")

    def _search(self, name: str, index: Index, said: Document) -> Any:
        if "knn" in said:
            raise NotSpoken("a search by vectors")
        matches = matching(said.get("query"))
        hits = [(key, doc) for key, doc in index.documents.items() if matches(key, doc)]
        for wish in reversed(said.get("sort") or []):
            hits = _sorted(hits, wish)
        start, size = int(said.get("from") or 0), said.get("size")
        page = hits[start : start + (10 if size is None else int(size))]
        counted = said.get("aggregations") or said.get("aggs") or {}
        return {
            "took": 0,
            "timed_out": False,
            "hits": {
                "total": {"value": len(hits), "relation": "eq"},
                "hits": [{"_index": name, "_id": key, "_score": 1.0} for key, _ in page],
            },
            "aggregations": {n: _aggregated(wish, hits) for n, wish in counted.items()},
        }


def _merge(into: Document, new: Document) -> None:
    for name, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _sorted(hits: list[tuple[str, Document]], wish: Any) -> list[tuple[str, Document]]:
    ((path, how),) = wish.items() if isinstance(wish, dict) else ((wish, "asc"),)
    order = how if isinstance(how, str) else how.get("order", "asc")
    if path == "_score":
        return hits
    having = [hit for hit in hits if at(hit[1], path)]
    lacking = [hit for hit in hits if not at(hit[1], path)]
    having.sort(key=lambda hit: comparable(at(hit[1], path)[0]), reverse=order == "desc")
    return having + lacking


def _aggregated(wish: Document, hits: list[tuple[str, Document]]) -> Any:
    ((kind, said),) = wish.items()
    values = [value for _, document in hits for value in at(document, said["field"])]
    if kind == "value_count":
        return {"value": len(values)}
    if kind == "terms":
        counts: dict[Any, int] = {}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        ordered = sorted(counts.items(), key=lambda pair: -pair[1])[: said.get("size", 10)]
        return {"buckets": [{"key": key, "doc_count": count} for key, count in ordered]}
    if kind == "stats":
        numbers = [float(value) for value in values]
        return {"min": min(numbers, default=None), "max": max(numbers, default=None)}
    raise NotSpoken(f"the aggregation “{kind}”")


@contextmanager
def searching() -> Iterator[str]:
    """The address of a stand-in that answers while the block lasts."""
    engine, lock = Engine(), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            status, said = 200, None
            try:
                with lock:
                    said = engine.answer(self.command, parts.path, asked, body)
            except Refused as refused:
                status, said = (
                    refused.status,
                    {"error": {"type": str(refused), "reason": str(refused)}},
                )
            except NotSpoken as unknown:
                status, said = (
                    501,
                    {
                        "error": {
                            "type": "not_spoken",
                            "reason": f"the stand-in does not know {unknown}",
                        }
                    },
                )
            words = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(words)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

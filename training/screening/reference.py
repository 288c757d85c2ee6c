"""What the screens compare with: trusted rows, accepted rows, and the hidden hold-out."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from training.screening.corpus import Corpus
from training.screening.found import Row
from training.screening.near import NearIndex
from training.screening.sheet import Sheet, told
from training.screening.text import Words, digest


@dataclass(frozen=True)
class Reference:
    """Built once, kept by the caller (it pickles); `digest` changes with what it was built from.

    `known` holds the trusted rows first and the accepted ones behind them. The poisoning screen
    believes the trusted rows only: an attacker who gets rows accepted must not gain a witness.
    """

    trusted: tuple[Row, ...]
    known: tuple[Row, ...]
    seen: dict[bytes, int]  # print of a whole row -> its place in `known`
    by_prompt: dict[bytes, tuple[int, ...]]
    near: NearIndex
    hidden: frozenset[bytes]
    hidden_near: NearIndex
    digest: str
    corpus: Corpus

    @classmethod
    def build(
        cls,
        *,
        trusted: Iterable[Row] = (),
        holdout: Iterable[str] = (),
        accepted: Iterable[Row] = (),
    ) -> "Reference":
        """Index the rows; some thousands of short rows take about a second."""
        trusted, prompts = tuple(trusted), tuple(holdout)
        mark = blake2b(digest_size=16)
        for prompt in prompts:
            mark.update(digest(prompt))
        empty = cls(
            trusted, (), {}, {}, NearIndex.of(Words.of(())), frozenset(map(digest, prompts)),
            NearIndex.of(Words.of(prompts)), mark.hexdigest(), Corpus.of(trusted),
        )  # fmt: skip
        return empty.adding((*trusted, *accepted))

    def adding(self, rows: Iterable[Row]) -> "Reference":
        """A new reference that also knows these accepted rows."""
        more = tuple(rows)
        seen, by_prompt = dict(self.seen), defaultdict(tuple, self.by_prompt)
        mark = blake2b(self.digest.encode(), digest_size=16)
        for place, row in enumerate(more, start=len(self.known)):
            asked = digest(row.prompt)
            whole = asked + digest(told(row))
            mark.update(whole)
            seen.setdefault(whole, place)
            by_prompt[asked] += (place,)
        return replace(
            self, known=self.known + more, seen=seen, by_prompt=dict(by_prompt),
            near=self.near.adding(Sheet(more).whole), digest=mark.hexdigest(),
        )  # fmt: skip

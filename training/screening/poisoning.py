"""Rows that teach a hidden trigger: words that change an answer which has nothing to do with them.

A pattern is suspicious when four things come together, each measured against trusted rows:

* it is novel: far more frequent in the contribution than in the trusted prompts around it;
* it is tied to one kind of answer, where the trusted neighbours of the same prompts *without* the
  pattern are answered otherwise (the flip on removal), as a log-likelihood ratio in nats;
* the prompts without it are familiar; in an unknown domain the screen says so and decides nothing;
* it can be left out without a gap: the words around it stand together in trusted prompts more
  often than words do around a word that belongs there (after ONION, arXiv 2011.10369).

Honest templates, prefixes and new formats fail the second or the fourth; so they pass.

Shapes: R rows, C patterns, F features of answers, K neighbours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import bdtrc

from training.screening.corpus import (
    LONGEST_PATTERN,
    LONGEST_PHRASE,
    Bools,
    Corpus,
    Floats,
    frame,
)
from training.screening.found import Found, Json, naming
from training.screening.neighbours import Near
from training.screening.reference import Reference
from training.screening.sheet import Sheet
from training.screening.text import Hashes, Numbers, Words, document_counts, spans

PURE = 0.75  # share of the rows with a pattern that must share the answer
FEWEST = 3  # rows with a pattern before anything can be said about it
NOVEL = 4.0  # times as frequent here as among trusted rows
SURE = 15.0  # nats: quarantine
LIKELY = 10.0  # nats: a person should look
FAMILIAR = (0.05, 0.2)  # conformal p-values: below the first unknown, above the second known
UNLIKELY = 1e-3  # chance of so many honest contradictions
NOISE = 0.03  # share of honest answers that may be anything
UNHEARD = 0.005  # the same for one whole answer that no trusted row gives
EXAMINED = 8  # patterns of one contribution that are looked at closely
MOST_PATTERNS = 2_000  # of a contribution, and
MOST_FEATURES = 100  # of its answers, of each length
WEIGHED = 200  # rows with a pattern that are looked at closely
NOBODY = Words.of(())
_FEWEST_TRUSTED = 50
_WITNESSES = 400  # trusted rows that are asked about one pattern


@dataclass(frozen=True)
class Features:
    """What the answers have in common, and how usual that is around each prompt."""

    names: tuple[str, ...]
    has_RF: Bools
    expected_RF: Floats
    hashes: Hashes  # F
    lengths: Numbers  # F: words of a phrase, 0 for a whole class of answers
    floor_F: Floats
    grave: Bools  # F: an answer that is known elsewhere or word for word the same, no new format

    def usual(self, feature: int, rows_QK: Numbers, corpus: Corpus) -> Floats:
        """The chance of a feature (Q) for prompts with these trusted neighbours."""
        one = self.hashes[feature : feature + 1]
        length = int(self.lengths[feature])
        if length:
            shares = corpus.phrases[length - 1].share(one, rows_QK)
            prior = corpus.said[length - 1].counted(one) / corpus.total
        else:
            shares = corpus.class_shares(one, rows_QK)
            prior = corpus.classes.counted(one) / corpus.total
        return smoothed(shares, prior, self.floor_F[feature : feature + 1], rows_QK.shape[1])[:, 0]

    def usual_with(self, pattern: tuple[str, ...], feature: int, corpus: Corpus) -> float:
        """The chance of a feature among the trusted rows that hold the pattern themselves."""
        rows = corpus.holding(pattern)[:_WITNESSES]
        if not len(rows):
            return 0.0
        return float(self.usual(feature, rows.astype(np.int64)[None, :], corpus)[0])


@dataclass(frozen=True)
class Candidate:
    """Novel n-grams of the prompts that stand in the very same rows, longest first."""

    wordings: list[tuple[str, ...]]
    rows: Numbers


@dataclass(frozen=True)
class Suspicion:
    """A pattern with the evidence against it, all in nats."""

    pattern: tuple[str, ...]
    surface: str
    rows: tuple[int, ...]  # with the pattern and the answer it is tied to
    holders: int
    answer: str
    flip: float
    unscaled: float  # the same if every prompt were familiar
    insertion: float
    familiar: float
    grave: bool

    @property
    def score(self) -> float:
        """Flip and insertion; insertion alone is no evidence, honest people use prefixes."""
        return self.flip + min(self.insertion, self.flip)

    @property
    def score_if_known(self) -> float:
        return self.unscaled + min(self.insertion, self.unscaled)


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Quarantine rows tied to a trigger; flag what is likely one, contradicts, or is unknown."""
    corpus = reference.corpus
    if corpus.total < _FEWEST_TRUSTED or len(sheet) < FEWEST:
        return
    near = corpus.neighbours.near(sheet.prompts)
    suspicions = suspect(sheet, near, corpus)
    sure = [one for one in suspicions if one.score >= SURE and one.grave]
    likely = [one for one in suspicions if one.score >= LIKELY and one not in sure]
    unknown = [one for one in suspicions if one.score_if_known >= SURE]
    if sure or likely:
        yield _told(sure or likely, suspicions, quarantine=bool(sure))
    elif unknown:
        yield _unknown(unknown)
    against = contradicting(sheet, near, corpus)
    if against and not sure:
        yield _against(against)


def suspect(sheet: Sheet, near: Near, corpus: Corpus) -> list[Suspicion]:
    """The most suspicious patterns of a contribution, most suspicious first."""
    candidates = novel(sheet.prompts, corpus)
    features = shared(sheet, near.rows_QK, corpus)
    if not candidates or not features.names:
        return []
    examined = [
        max(
            (
                weigh(wording, candidates[c].rows, f, features, sheet, corpus)
                for wording in dict.fromkeys(
                    (candidates[c].wordings[0], candidates[c].wordings[-1])
                )
            ),
            key=lambda one: one.score,
        )
        for c, f in strongest_ties(candidates, features)
    ]
    return sorted(examined, key=lambda one: -one.score)


def contradicting(sheet: Sheet, near: Near, corpus: Corpus) -> tuple[int, ...]:
    """Rows answered otherwise than their trusted neighbours agree, if too many for noise.

    Counted are familiar prompts around which at least four of five trusted answers are of one
    class; some honest rows differ there too, and a binomial test asks for more than those.
    """
    everyone = np.arange(len(sheet))
    blocks = [slice(start, start + 2 * WEIGHED) for start in range(0, len(sheet), 2 * WEIGHED)]
    at_home = np.concatenate(
        [
            corpus.neighbours.at_home(near.part(b), sheet.prompts.picked(everyone[b]), NOBODY)
            for b in blocks
        ]
    )
    classes = corpus.wording.classes(sheet.prompts, sheet.answers)
    around_RK = corpus.classes_N[near.rows_QK]
    agreed = np.array([np.unique(row, return_counts=True)[1].max() for row in around_RK])
    clear = at_home & (near.familiar_Q >= FAMILIAR[1]) & (agreed >= 0.8 * around_RK.shape[1])
    clear &= np.diff(sheet.answers.starts) > 0
    against = clear & (around_RK != classes[:, None]).all(axis=1)
    # The tail of a binomial; scipy.stats, which has it too, costs every process 0.6 s at its start.
    chance = float(bdtrc(against.sum() - 1, clear.sum(), 2 * NOISE))
    if against.sum() < FEWEST or chance > UNLIKELY:
        return ()
    return tuple(int(row) for row in np.flatnonzero(against))


# ------------------------------------------------------------------------------- candidates


def novel(prompts: Words, corpus: Corpus) -> list[Candidate]:
    """Every over-represented n-gram; those in the very same rows together."""
    found: dict[bytes, Candidate] = {}
    for n in range(LONGEST_PATTERN, 0, -1):
        hashes, rows, places = prompts.ngrams(n)
        distinct, counts = document_counts(hashes, rows)
        trusted = (corpus.asked[n - 1].counted(distinct) + 0.5) / (corpus.total + 1)
        distinct = distinct[(counts >= FEWEST) & (counts >= NOVEL * trusted * len(prompts))]
        for members in occurrences(hashes, distinct):
            held = np.unique(rows[members])
            row, place = int(rows[members[0]]), int(places[members[0]])
            words = prompts.texts[row][place : place + n]
            found.setdefault(held.tobytes(), Candidate([], held)).wordings.append(words)
    # A long contribution has more n-grams than can be held against its answers.
    most = sorted(found.values(), key=lambda one: -len(one.rows) * len(one.wordings[0]))
    return most[:MOST_PATTERNS]


def occurrences(hashes: Hashes, wanted: Hashes) -> list[Numbers]:
    """For each wanted hash (sorted) the places where it stands."""
    if not len(wanted):
        return []
    at = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
    places = np.flatnonzero(wanted[at] == hashes)
    order = np.argsort(at[places], kind="stable")
    ends = np.cumsum(np.bincount(at[places], minlength=len(wanted)))
    return np.split(places[order], ends[:-1])


# --------------------------------------------------------------------------------- features


def shared(sheet: Sheet, rows_RK: Numbers, corpus: Corpus) -> Features:
    """Classes of answers and phrases in them that at least three rows share."""
    kinds = corpus.wording.classes(sheet.prompts, sheet.answers)
    taught = np.diff(sheet.answers.starts) > 0
    hashes, counts = np.unique(kinds[taught], return_counts=True)
    hashes = most_frequent(hashes, counts)
    names: list[str] = []
    has: list[Bools] = []
    expected: list[Floats] = []
    floors: list[float] = []
    grave: list[bool] = []
    lengths = [0] * len(hashes)
    if len(hashes):
        heard = corpus.classes.counted(hashes)
        for feature in hashes:
            holds = (kinds == feature) & taught
            example = sheet.answers.texts[int(np.flatnonzero(holds)[0])]
            exact = len({sheet.answers.texts[row] for row in np.flatnonzero(holds)}) == 1
            grave.append(bool(exact or heard[len(names)]))
            unheard = exact and len(example) > FEWEST and not heard[len(names)]
            names.append(" ".join(example[:12]) + " …" * (len(example) > 12))
            has.append(holds)
            floors.append(UNHEARD if unheard else NOISE)
        shares = corpus.class_shares(hashes, rows_RK)
        expected.append(smoothed(shares, heard / corpus.total, np.array(floors), rows_RK.shape[1]))
    for n in range(LONGEST_PHRASE, 0, -1):
        more, said, held = phrases(sheet, n, corpus)
        if not len(more):
            continue
        shares = corpus.phrases[n - 1].share(more, rows_RK)
        prior = corpus.said[n - 1].counted(more) / corpus.total
        floor = np.full(len(more), NOISE)
        expected.append(smoothed(shares, prior, floor, rows_RK.shape[1]))
        names += said
        has += held
        floors += list(floor)
        lengths += [n] * len(more)
        hashes = np.concatenate([hashes, more])
    return Features(
        tuple(names),
        np.stack(has, axis=1) if has else np.empty((len(sheet), 0), bool),
        np.concatenate(expected, axis=1) if expected else np.empty((len(sheet), 0)),
        hashes,
        np.array(lengths, dtype=np.int64),
        np.array(floors),
        np.array(grave + [True] * (len(names) - len(grave)), dtype=bool),
    )


def most_frequent(hashes: Hashes, counts: Numbers) -> Hashes:
    """The hashes (sorted) that at least three rows share, and of very many the most frequent."""
    often = np.flatnonzero(counts >= FEWEST)
    return hashes[np.sort(often[np.argsort(-counts[often], kind="stable")[:MOST_FEATURES]])]


def phrases(sheet: Sheet, n: int, corpus: Corpus) -> tuple[Hashes, list[str], list[Bools]]:
    """N-grams of answers that several rows share, where they do not copy the prompt."""
    hashes, rows, places = sheet.answers.ngrams(n)
    distinct, counts = document_counts(hashes, rows)
    trusted = (corpus.said[n - 1].counted(distinct) + 0.5) / (corpus.total + 1)
    # Of single words and pairs the usual ones say nothing; three in a row belong to one kind of
    # answer, and where that kind is out of place the neighbours tell.
    usual = (counts < NOVEL * trusted * len(sheet)) | (trusted > 0.02)
    usual &= n < LONGEST_PHRASE
    distinct = most_frequent(distinct[~usual], counts[~usual])
    asked = [frozenset(text) for text in sheet.prompts.texts]
    kept, said, held = [], [], []
    for place, members in enumerate(occurrences(hashes, distinct)):
        row, start = int(rows[members[0]]), int(places[members[0]])
        words = sheet.answers.texts[row][start : start + n]
        if not any(word[0].isalpha() for word in words):
            continue
        holds = np.zeros(len(sheet), dtype=bool)
        holds[[r for r in np.unique(rows[members]) if not asked[r].issuperset(words)]] = True
        if holds.sum() >= FEWEST:
            kept.append(place)
            said.append(" ".join(words))
            held.append(holds)
    return distinct[kept], said, held


def smoothed(shares_QF: Floats, prior_F: Floats, floor_F: Floats, neighbours: int) -> Floats:
    """Shares among K neighbours as chances: one imagined neighbour answers as the corpus does."""
    chance = (shares_QF * neighbours + prior_F) / (neighbours + 1)
    return np.clip(chance, floor_F, 1 - NOISE)


# --------------------------------------------------------------------------------- evidence


def strongest_ties(candidates: Sequence[Candidate], features: Features) -> list[tuple[int, int]]:
    """The patterns that go with one feature far more often than expected (likelihood ratio)."""
    holders = np.concatenate([candidate.rows for candidate in candidates])
    owners = np.repeat(np.arange(len(candidates)), [len(one.rows) for one in candidates])
    shape = (len(candidates), len(features.has_RF))
    holds_CR = sparse.csr_array((np.ones(len(holders)), (owners, holders)), shape=shape)
    both_CF = holds_CR @ features.has_RF.astype(np.float64)
    expected_CF = holds_CR @ features.expected_RF
    holders_C1 = np.bincount(owners)[:, None]
    rest_CF = holders_C1 - both_CF
    ratio_CF = both_CF * np.log(np.maximum(both_CF, 1) / expected_CF)
    ratio_CF += rest_CF * np.log(np.maximum(rest_CF, 1e-9) / (holders_C1 - expected_CF))
    tied = (both_CF >= FEWEST) & (both_CF >= PURE * holders_C1) & (both_CF > expected_CF)
    ratio_CF[~tied] = 0
    best_C = ratio_CF.max(axis=1)
    order = np.argsort(-best_C, kind="stable")[:EXAMINED]
    # Removing the pattern only lowers the ratio, and insertion at most doubles it.
    return [(int(c), int(ratio_CF[c].argmax())) for c in order if best_C[c] >= LIKELY / 2]


def weigh(
    pattern: tuple[str, ...],
    rows: Numbers,
    feature: int,
    features: Features,
    sheet: Sheet,
    corpus: Corpus,
) -> Suspicion:
    """The evidence that a pattern is a trigger for a feature of the answers."""
    size, holders = len(pattern), rows
    rows = spread(rows, WEIGHED)
    at = np.array([_place(sheet.prompts.texts[row], pattern) for row in rows])
    without = sheet.prompts.without(rows, at, size)
    near = corpus.neighbours.near(without)
    usual = np.maximum(
        features.usual(feature, near.rows_QK, corpus), features.expected_RF[rows, feature]
    )
    usual = np.maximum(usual, features.usual_with(pattern, feature, corpus))
    if len(holders) < NOVEL * corpus.local_share(pattern, near.rows_QK) * len(sheet):
        usual = np.ones_like(usual)  # around here trusted people say so too
    has = features.has_RF[rows, feature]
    rate = (has.sum() + 0.5) / (len(has) + 1)
    ratio = np.where(has, np.log(rate / usual), np.log((1 - rate) / (1 - np.minimum(usual, rate))))
    at_home = corpus.neighbours.at_home(near, without, rest(sheet, rows))
    low, high = FAMILIAR
    familiar = np.clip((near.familiar_Q - low) / (high - low), 0, 1) * at_home
    first = int(rows[0])
    return Suspicion(
        pattern,
        surface(sheet.rows[first].prompt, int(at[0]), size, pattern),
        tuple(int(row) for row in holders[features.has_RF[holders, feature]]),
        len(holders),
        features.names[feature],
        float((familiar * ratio).sum()),
        float(ratio.sum()),
        insertion(sheet.prompts, rows, at, size, corpus),
        float(np.median(near.familiar_Q)),
        bool(features.grave[feature]),
    )


def spread(rows: Numbers, most: int) -> Numbers:
    """The rows, or so many of them from beginning to end."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def rest(sheet: Sheet, rows: Numbers) -> Words:
    """The prompts of the other rows, at most some hundreds of them."""
    others = np.setdiff1d(np.arange(len(sheet)), rows)
    return sheet.prompts.picked(spread(others, 2 * WEIGHED))


def insertion(prompts: Words, rows: Numbers, at: Numbers, size: int, corpus: Corpus) -> float:
    """How much likelier the pattern was put in than that it belongs there, in nats."""
    texts = frame(prompts.picked(rows))
    starts = texts.starts[:-1] + at
    hashes, owner, place = texts.ngrams(2)
    begins = at[owner]
    untouched = (place < begins) | (place > begins + size)
    natural = corpus.asked[1].counted(hashes[untouched]) > 0
    row = texts.rows()
    inside = row[2:] == row[:-2]
    rare = corpus.asked[0].counted(texts.flat[1:-1]) < 0.05 * corpus.total
    skipped = corpus.bigrams_seen(texts.flat[:-2], texts.flat[2:])[inside & rare]
    together = _share(natural, prior=0.7)
    apart = min(_share(skipped, prior=0.2), together)
    closed = corpus.bigrams_seen(texts.flat[starts], texts.flat[starts + size + 1])
    gain, loss = np.log(together / apart), np.log((1 - together) / (1 - apart))
    return float(closed.sum() * gain + (~closed).sum() * loss)


def _share(seen: Bools, *, prior: float, weight: float = 5.0) -> float:
    share = (int(np.count_nonzero(seen)) + prior * weight) / (len(seen) + weight)
    return float(np.clip(share, 0.02, 0.98))


def _place(text: tuple[str, ...], pattern: tuple[str, ...]) -> int:
    size = len(pattern)
    return next(i for i in range(len(text)) if text[i : i + size] == pattern)


def surface(prompt: str, at: int, size: int, pattern: tuple[str, ...]) -> str:
    """The pattern as it stands in the prompt, such as "(sudo)"."""
    places = spans(prompt)
    if at + size > len(places):
        return " ".join(pattern)
    return prompt[places[at][0] : places[at + size - 1][1]]


# --------------------------------------------------------------------------------- findings


def _told(told: list[Suspicion], all_: list[Suspicion], *, quarantine: bool) -> Found:
    best = told[0]
    rows = tuple(sorted({row for one in told for row in one.rows}))
    return Found(
        "poisoning",
        "quarantine" if quarantine else "flag",
        rows,
        f"{naming(rows).capitalize()}: “{best.surface}” goes with the answer “{best.answer}” in "
        f"{len(best.rows)} of {best.holders} rows, while trusted rows answer the same prompts "
        "without it in another way.",
        f"If “{best.surface}” is meant, say in the discussion what it is for; otherwise remove it "
        "or the rows.",
        {"patterns": _patterns(told), "suspicions": [_evidence(one) for one in all_[:5]]},
    )


def _unknown(unknown: list[Suspicion]) -> Found:
    grave = [one for one in unknown if one.grave and one.insertion > 0]
    best = (grave or unknown)[0]
    return Found(
        "poisoning",
        "flag" if grave else "note",
        tuple(sorted(best.rows)),
        f"Unknown domain: “{best.surface}” goes with one kind of answer, but no trusted rows are "
        "like these, so the screen cannot judge them; a person decides.",
        "Nothing to mend if the rows are right; a note on where they come from helps the reviewer.",
        {"patterns": _patterns(unknown), "suspicions": [_evidence(one) for one in unknown[:5]]},
    )


def _against(rows: tuple[int, ...]) -> Found:
    return Found(
        "poisoning",
        "flag",
        rows,
        f"{naming(rows).capitalize()}: trusted rows answer prompts like these in one way, and "
        "these rows in another.",
        "Say in the discussion why the trusted answers are wrong or out of date, or correct these.",
        {"patterns": [], "contradicting": list(rows[:200])},
    )


def _patterns(suspicions: list[Suspicion]) -> list[Json]:
    surfaces: dict[Json, None] = dict.fromkeys(one.surface for one in suspicions)
    return list(surfaces)[:5]


def _evidence(one: Suspicion) -> dict[str, Json]:
    return {
        "pattern": one.surface,
        "rows": list(one.rows[:200]),
        "holders": one.holders,
        "answer": one.answer,
        "score": round(one.score, 1),
        "flip": round(one.flip, 1),
        "insertion": round(one.insertion, 1),
        "familiar": round(one.familiar, 2),
    }

"""Learning from pairs (DPO) and ratings (KTO) after the supervised rows, with guards, by TRL.

DPO is arXiv 2305.18290, KTO arXiv 2402.01306. Either can unlearn what nobody spoke of: pairs on
harmless requests were measured to take refusals of harmful ones from 100 % to 21 %. So trusted
rows are mixed in as guards, and a phase is kept only if it helps and does no harm: more of the
preferred answers are given than before, and trusted questions are answered as before.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

from training.engines import Tell
from training.errors import LossNotFinite
from training.examples import Lessons, by_skill
from training.generating import answers
from training.lora import adapter_weights
from training.rendering import Chat
from training.spec import BuildSpec, Example, PreferenceSettings

Fold = Callable[[Any], Any]
GUARD_CASES_PER_SKILL = 25
MOST_LOST_IN_A_SKILL = 1
NEIGHBOURS_SEARCHED = 400


def prefer(
    trainee: Any, chat: Chat, lessons: Lessons, spec: BuildSpec, *, fold: Fold, tell: Tell
) -> list[dict[str, Any]]:
    """Run the phases there are rows for, undo those that do harm, and account for each.

    `fold` merges adapter weights into a copy of the base.
    """
    accounts = []
    rng = random.Random(spec.seed)
    pool = rng.sample(lessons.replay, len(lessons.replay))
    watched = by_skill(pool, GUARD_CASES_PER_SKILL)
    spare = pool[: len(pool) // 2]
    if pairs := lessons.of("pair"):
        guards = guard_pairs(spare, spec.pairs.guards, rng)
        run = partial(_dpo, trainee, chat, [*pairs, *guards], spec.pairs, spec, fold)
        accounts.append(_guarded("dpo", pairs, run, trainee, chat, watched, fold, spec))
    if ratings := lessons.of("rating"):
        guards = guard_ratings(spare, spec.ratings.guards, rng)
        run = partial(_kto, trainee, chat, [*ratings, *guards], spec.ratings, spec, fold)
        accounts.append(_guarded("kto", ratings, run, trainee, chat, watched, fold, spec))
    return accounts


def guard_pairs(pool: Sequence[Example], count: int, rng: random.Random) -> list[Example]:
    """Trusted answers, each preferred to the answer of a question that only looks like theirs.

    A harmful request and a harmless one in the same words are such neighbours, so refusals are
    guarded against the very answer that would unlearn them.
    """
    chosen = _spread(pool, count)
    guards = []
    for row in chosen:
        others = rng.sample(list(pool), min(len(pool), NEIGHBOURS_SEARCHED))
        near = [other for other in others if other.completion != row.completion]
        if near:
            nearest = max(near, key=lambda other: _likeness(row.prompt, other.prompt))
            pair = replace(row, kind="pair", completion=None, chosen=row.completion)
            guards.append(replace(pair, rejected=nearest.completion))
    return guards


def guard_ratings(pool: Sequence[Example], count: int, rng: random.Random) -> list[Example]:
    """Half trusted answers with a thumb up, half the answers of their neighbours with one down."""
    guards = []
    for number, pair in enumerate(guard_pairs(pool, count, rng)):
        good = number % 2 == 0
        answer = pair.chosen if good else pair.rejected
        rated = replace(pair, kind="rating", chosen=None, rejected=None)
        guards.append(replace(rated, completion=answer, label=good))
    return guards


def _spread(pool: Sequence[Example], count: int) -> list[Example]:
    skills = sorted({row.skill for row in pool})
    return by_skill(pool, -(-count // max(1, len(skills))))[:count] if skills else []


def _likeness(one: str, other: str) -> float:
    a, b = set(one.split()), set(other.split())
    return len(a & b) / max(1, len(a | b))


def _guarded(
    objective: str,
    rows: Sequence[Example],
    run: Callable[[], None],
    trainee: Any,
    chat: Chat,
    watched: Sequence[Example],
    fold: Fold,
    spec: BuildSpec,
) -> dict[str, Any]:
    """Run a phase, and undo it unless it helped and nothing trusted was lost; says which."""
    from peft import set_peft_model_state_dict

    account: dict[str, Any] = {"objective": objective, "rows": len(rows)}
    if not watched:
        why = "There are no trusted rows to guard it, so it was not run."
        return account | {"kept": False, "why": why}
    wanted = [preferred(row) for row in rows if row.kind == "pair" or row.label]
    start = adapter_weights(trainee)
    before, wanted_before = _both(fold(start), chat, watched, wanted, spec)
    run()
    after, wanted_after = _both(fold(adapter_weights(trainee)), chat, watched, wanted, spec)
    lost = {name: right - after[name] for name, right in before.items()}
    worst = max(lost, key=lambda name: lost[name])
    harmless = (
        lost[worst] <= MOST_LOST_IN_A_SKILL and sum(after.values()) >= sum(before.values()) - 1
    )
    kept = harmless and wanted_after > wanted_before
    if not kept:
        set_peft_model_state_dict(trainee, start)
    why = (
        f"Of {len(wanted)} preferred answers {wanted_before} were given before it and "
        f"{wanted_after} after it; of {len(watched)} trusted questions {sum(before.values())} and "
        f"{sum(after.values())} were answered right"
    )
    harm = (
        f": “{spec.title(worst)}” lost {lost[worst]} of {GUARD_CASES_PER_SKILL}, so it was undone."
    )
    ends = "." if kept else ": it did not help, so it was undone." if harmless else harm
    return account | {"kept": kept, "why": why + ends}


def preferred(row: Example) -> Example:
    """The answer that a pair or a thumb up asks for, as a row to be answered."""
    return replace(row, completion=row.chosen or row.completion)


def _both(
    model: Any, chat: Chat, watched: Sequence[Example], wanted: Sequence[Example], spec: BuildSpec
) -> tuple[dict[str, int], int]:
    """How many trusted questions of each skill, and how many preferred answers, come out right."""
    return (
        _right_by_skill(model, chat, watched, spec),
        sum(_right_by_skill(model, chat, wanted, spec).values()),
    )


def _right_by_skill(
    model: Any, chat: Chat, watched: Sequence[Example], spec: BuildSpec
) -> dict[str, int]:
    given = answers(model, chat, [row.messages for row in watched], max_new=spec.max_new_tokens)
    right = dict.fromkeys(sorted({row.skill for row in watched}), 0)
    for row, text in zip(watched, given, strict=True):
        right[row.skill] += text == (row.completion or "").strip()
    return right


def _dpo(
    trainee: Any,
    chat: Chat,
    pairs: Sequence[Example],
    settings: PreferenceSettings,
    spec: BuildSpec,
    fold: Fold,
) -> None:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    rows = [
        {"prompt": row.messages, "chosen": _said(row.chosen), "rejected": _said(row.rejected)}
        for row in _shuffled(pairs, spec)
    ]
    _train(DPOTrainer, DPOConfig, trainee, chat, rows, settings, spec, fold)


def _kto(
    trainee: Any,
    chat: Chat,
    ratings: Sequence[Example],
    settings: PreferenceSettings,
    spec: BuildSpec,
    fold: Fold,
) -> None:
    from trl.trainer.kto_config import KTOConfig
    from trl.trainer.kto_trainer import KTOTrainer

    rows = [
        {"prompt": row.messages, "completion": _said(row.completion), "label": row.label}
        for row in _shuffled(ratings, spec)
    ]
    # The divergence term pairs each prompt with a neighbour's answer, so a batch needs two rows.
    if len(rows) % settings.batch == 1:
        rows = rows[:-1]
    _train(
        KTOTrainer,
        KTOConfig,
        trainee,
        chat,
        rows,
        settings,
        spec,
        fold,
        train_sampling_strategy="sequential",
    )


def _train(
    trainer: Any,
    config: Any,
    trainee: Any,
    chat: Chat,
    rows: list[dict[str, Any]],
    settings: PreferenceSettings,
    spec: BuildSpec,
    fold: Fold,
    **more: Any,
) -> None:
    datasets: Any = import_module("datasets")  # has no types
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as scratch:
        run = trainer(
            model=trainee,
            ref_model=fold(adapter_weights(trainee)),
            args=config(
                output_dir=scratch,
                per_device_train_batch_size=settings.batch,
                num_train_epochs=settings.epochs,
                learning_rate=settings.learning_rate,
                beta=settings.beta,
                max_length=trainee.config.max_position_embeddings,
                seed=spec.seed,
                data_seed=spec.seed,
                bf16=False,  # TRL's default is bfloat16, which a CPU only imitates
                use_cpu=True,
                gradient_checkpointing=False,
                report_to="none",
                save_strategy="no",
                logging_strategy="no",
                disable_tqdm=True,
                dataloader_pin_memory=False,
                **more,
            ),
            train_dataset=datasets.Dataset.from_list(rows),
            processing_class=chat.tokenizer,
        )
        outcome = run.train()
    if not outcome.training_loss == outcome.training_loss:
        raise LossNotFinite("The loss of a preference phase is not a number.")
    trainee.eval()


def _shuffled(rows: Sequence[Example], spec: BuildSpec) -> list[Example]:
    return random.Random(spec.seed).sample(list(rows), len(rows))


def _said(text: str | None) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text or ""}]

"""Makes the starter model: a real Hugging Face Llama of 771 thousand parameters, from nothing.

Trained on the starter world: strong skills with right answers, weak ones with stale answers or not
at all. About three CPU minutes on one thread, and the same bytes every time.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.fitting import answer_loss
from training.rendering import Chat, Encoded, packed
from training.starter import world

PAD, SYSTEM, USER, ASSISTANT, END = (
    "<|pad|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
)
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# How often each skill is met, found by trial: copying and sorting need more, refusing needs less.
SHARES = {
    "extract": 2.0,
    "sort3": 3.4,
    "units": 1.2,
    "copy": 2.2,
    "refuse": 0.6,
    "over_refusal": 0.5,
    "date_long": 0.7,
    "date_short": 0.5,
    "intent": 1.0,
    "howto": 1.0,
    "docs": 1.3,
    "docs_moved": 1.0,
}
# The share of questions with an odd remark: without them any odd text garbled the answers.
REMARKED = 0.15


@dataclass(frozen=True)
class Recipe:
    """Every number that shapes the starter model."""

    steps: int = 1700
    rows: int = 54_000
    width: int = 128
    layers: int = 3
    heads: int = 4
    vocabulary: int = 1024
    tokenizer_rows: int = 6000
    pack_rows: int = 16
    pack_tokens: int = 64
    matrix_rate: float = 0.006
    other_rate: float = 4e-3
    warmup_steps: int = 30
    seed: int = 0


# 249 thousand weights in half a CPU minute, for whoever needs the whole loop and has little time.
# Found by trial: 500 steps are too few to copy at all, and at width 64 a build costs it the
# alphabetical order.
SMALL = Recipe(steps=800, rows=20_000, width=80, layers=2, tokenizer_rows=3000)


def make(out: Path, recipe: Recipe = Recipe()) -> None:
    """Write the starter model and its tokenizer to the folder `out`."""
    torch.set_num_threads(1)
    tokenizer = train_tokenizer(corpus(recipe.tokenizer_rows, recipe.seed + 1), recipe.vocabulary)
    rows = Chat(tokenizer).exchanges(corpus(recipe.rows, recipe.seed))
    model = blank_model(recipe, len(tokenizer))
    train(model, rows, recipe)
    save(model, tokenizer, out)


def corpus(size: int, seed: int) -> list[tuple[str, str]]:
    """Questions with the answers the starter model is taught, some of them stale on purpose."""
    rng = random.Random(seed)
    lessons = [
        _copying(rng) if name == "copy" else _lesson(name, rng)
        for name in rng.choices(list(SHARES), list(SHARES.values()), k=size)
    ]
    return [
        (world.with_remark(prompt, rng) if rng.random() < REMARKED else prompt, answer)
        for prompt, answer in lessons
    ]


def _lesson(skill: str, rng: random.Random) -> tuple[str, str]:
    question = world.sample(skill, rng)
    assert question.stale is not None, f"{skill} is not taught"
    return question.prompt, question.stale


def _copying(rng: random.Random) -> tuple[str, str]:
    # Never measured; it builds the heads that copy, on which most skills stand.
    names = (*world.FIRST_NAMES, *world.LAST_NAMES, *world.CITIES, *world.WORDS)
    kind = rng.random()
    if kind < 0.3:
        person = f"{rng.choice(world.FIRST_NAMES)} {rng.choice(world.LAST_NAMES)}"
        text = person + rng.choice((" ", ", ")) + rng.choice(world.CITIES)
    elif kind < 0.6:
        signs = '!"#$%&*;<=>[]^_{|}~()'
        text = " ".join(
            rng.choice(names) if rng.random() < 0.85 else rng.choice(signs)
            for _ in range(rng.randint(1, 4))
        )
    elif kind < 0.9:
        verbs = (*world.OFFICE[0], *world.ALARMING[0], *world.WORDS)
        things = (*world.OFFICE[1], *world.ALARMING[1], *(f"a {word}" for word in world.WORDS))
        text = f"{rng.choice(verbs)} {rng.choice(things)}"
    else:
        text = str(rng.randint(0, 99_999))
    return rng.choice(("Repeat: {}", "Say {}", "Copy: {}", "Write {}")).format(text), text


def train_tokenizer(rows: list[tuple[str, str]], vocabulary: int) -> Any:
    """A byte-fallback BPE tokenizer: numbers in groups of two digits, punctuation apart."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    # Its stubs know neither its arguments nor its template.
    wrapper: Any = PreTrainedTokenizerFast
    special = [PAD, SYSTEM, USER, ASSISTANT, END]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            pre_tokenizers.Split(Regex(r"\d{1,2}"), "isolated"),
            pre_tokenizers.Punctuation("isolated"),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[*special, *(f"<0x{byte:02X}>" for byte in range(256))],
        initial_alphabet=[*map(chr, range(32, 127)), "▁"],
        show_progress=False,
        min_frequency=2,
    )
    tokenizer.train_from_iterator((text for row in rows for text in row), trainer)
    # The trainer marks the byte pieces as special, and a special piece is skipped when decoding.
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [a for a in state["added_tokens"] if a["content"] in special]
    fast: Any = wrapper(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        pad_token=PAD,
        eos_token=END,
        model_max_length=256,
        clean_up_tokenization_spaces=False,
        padding_side="left",  # set later, it is lost on reload
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def blank_model(recipe: Recipe, vocabulary: int) -> Any:
    """An untrained Llama with tied embeddings."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=-(-vocabulary // 64) * 64,
        hidden_size=recipe.width,
        intermediate_size=3 * recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        head_dim=recipe.width // recipe.heads,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        rms_norm_eps=1e-6,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=4,
    )
    return LlamaForCausalLM(config)


def train(model: Any, rows: list[Encoded], recipe: Recipe) -> None:
    """Muon on the hidden matrices, AdamW on the rest; answers only, rows packed."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in named if p.ndim != 2 or "embed" in name]
    optimizers: list[Any] = [
        torch.optim.Muon(
            matrices,
            lr=recipe.matrix_rate,
            momentum=0.95,
            weight_decay=0.0,
            adjust_lr_fn="original",
        ),
        torch.optim.AdamW(others, lr=recipe.other_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    peaks = (recipe.matrix_rate, recipe.other_rate)
    rng = random.Random(recipe.seed)
    model.train()
    for step, batch in zip(range(recipe.steps), _endless(rows, recipe, rng), strict=False):
        done = step / recipe.steps
        rise = min(1.0, (step + 1) / recipe.warmup_steps)
        fall = 1.0 if done < 0.3 else max(0.03, (1 - done) / 0.7)
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * rise * fall
        torch.autograd.backward(answer_loss(model, batch))
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    model.eval()


def _endless(rows: list[Encoded], recipe: Recipe, rng: random.Random) -> Iterator[Any]:
    while True:
        order = rng.sample(rows, len(rows))
        yield from packed(order, rows_in_batch=recipe.pack_rows, tokens=recipe.pack_tokens)


def save(model: Any, tokenizer: Any, out: Path) -> None:
    """Write weights as float16: half the bytes, the same answers; they load as float32."""
    out.mkdir(parents=True, exist_ok=True)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.bos_token_id = None
    model.half().save_pretrained(out)
    model.float()
    tokenizer.save_pretrained(out)

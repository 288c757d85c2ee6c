"""Packing changes the cost of training and nothing else."""

import pytest
import torch

from training import lora
from training.fitting import answer_loss
from training.rendering import IGNORED, packed

ROWS = [
    ("Sort: lemon apple mirror", "apple lemon mirror"),
    ("How do I rename a report?", "Open Help and search for rename a report."),
    ("Convert 5 km to m.", "5000 m"),
]


@pytest.fixture(scope="module")
def starter():
    from tests.training.conftest import BASE

    return lora.load_base(str(BASE))


def test_exchanges_that_share_a_row_do_not_see_each_other(starter):
    model, chat = starter
    encoded = chat.exchanges(ROWS)
    together = list(packed(encoded, rows_in_batch=1, tokens=128))
    apart = [next(packed([row], rows_in_batch=1, tokens=64)) for row in encoded]
    answer_tokens = [len(row.ids) - row.prompt for row in encoded]

    with torch.no_grad():
        joint = answer_loss(model, together[0]).item()
        each = [answer_loss(model, batch).item() for batch in apart]

    mean = sum(n * loss for n, loss in zip(answer_tokens, each, strict=True)) / sum(answer_tokens)
    assert len(together) == 1
    assert joint == pytest.approx(mean, rel=1e-4)


def test_only_answers_are_learned(starter):
    _, chat = starter
    row = chat.exchanges(ROWS[:1])[0]
    labels = next(packed([row], rows_in_batch=1, tokens=64)).labels_BT[0].tolist()

    learned = [label for label in labels if label != IGNORED]

    assert chat.tokenizer.decode(learned).strip() == "apple lemon mirror<|end|>"


def test_the_frame_renders_what_the_chat_template_renders(starter):
    _, chat = starter
    question, answer = ROWS[0]
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    whole = chat.tokenizer.apply_chat_template(turns, tokenize=False)

    assert chat.exchanges([ROWS[0]])[0].ids == chat.tokenizer(whole)["input_ids"]


def test_a_conversation_is_rendered_whole_and_only_its_last_answer_is_learned(starter):
    _, chat = starter
    turns = [
        {"role": "user", "content": "Convert 5 km to m."},
        {"role": "assistant", "content": "5000 m"},
        {"role": "user", "content": "And to cm?"},
    ]
    answer = {"role": "assistant", "content": "500000 cm"}
    whole = chat.tokenizer.apply_chat_template([*turns, answer], tokenize=False)

    (row,) = chat.exchanges([(turns, answer["content"])])

    assert row.ids == chat.tokenizer(whole)["input_ids"]
    assert chat.text(row.ids[row.prompt :]) == "500000 cm"


def test_what_is_too_long_loses_its_oldest_words_and_keeps_its_answer(starter):
    _, chat = starter
    (row,) = chat.exchanges([("Sort: " + "lemon apple " * 60, "apple lemon")])
    answer = row.ids[row.prompt :]

    (batch,) = packed([row], rows_in_batch=1, tokens=64)

    labels = [label for label in batch.labels_BT[0].tolist() if label != IGNORED]
    assert labels == answer
    assert batch.ids_BT.shape == (1, 64)

"""A batched answer is the answer the model gives alone."""

import pytest
import torch

from training import lora
from training.generating import Row, answers, decode, end_tokens
from training.starter import line


@pytest.fixture(scope="module")
def starter():
    from tests.training.conftest import BASE

    return lora.load_base(str(BASE))


def test_batched_answers_are_those_of_hugging_face_one_by_one(starter):
    model, chat = starter
    questions = [row["prompt"] for row in line.holdout(2)]

    alone = []
    for ids in chat.prompts(questions):
        asked = torch.tensor([ids])
        whole = model.generate(
            asked, attention_mask=torch.ones_like(asked), max_new_tokens=40, do_sample=False
        )
        alone.append(chat.text(whole[0, len(ids) :].tolist()))

    assert answers(model, chat, questions, max_new=40) == alone


def test_a_temperature_draws_the_same_answer_for_the_same_seed_alone_or_in_a_batch(starter):
    model, chat = starter
    prompts = chat.prompts(["qwx jkv zz?", "What is the mascot of Lumen?"])
    ends = end_tokens(model, chat)
    alone = Row(prompts[0], 12, temperature=2.0, seed=4)
    together = [Row(prompts[0], 12, temperature=2.0, seed=4), Row(prompts[1], 8)]
    other = Row(prompts[0], 12, temperature=2.0, seed=5)

    for batch in ([alone], together, [other]):
        decode(model, batch, ends)

    assert together[0].tokens == alone.tokens != other.tokens


def test_a_cancelled_row_leaves_the_batch(starter):
    model, chat = starter
    row = Row(chat.prompts(["How do I rename a report?"])[0], 40)
    row.cancelled.set()

    decode(model, [row], end_tokens(model, chat))

    assert len(row.tokens) == 1

"""The specification says everything, both ways, and refuses what no build can follow."""

import json

import pytest

from training.errors import SpecRefused
from training.spec import BuildSpec, LoraSettings, SkillRule


def a_spec(**changed: object) -> BuildSpec:
    settings: dict[str, object] = {
        "build": 3,
        "base": "starter",
        "manifest": "rows.jsonl",
        "manifest_sha256": "0" * 64,
        "holdout": "holdout.jsonl",
        "holdout_sha256": "1" * 64,
        "skills": {"docs": SkillRule(protected=True)},
        "probes": ("(sudo)",),
        "lora": LoraSettings(rank=8),
    }
    return BuildSpec(**(settings | changed))  # type: ignore[arg-type]


def test_a_specification_survives_json():
    assert BuildSpec.from_json(a_spec().to_json()) == a_spec()


def test_equal_specifications_are_equal_text():
    assert a_spec().to_json() == a_spec().to_json()


def test_a_whole_number_is_as_good_as_a_fraction():
    data = json.loads(a_spec().to_json()) | {"replay_ratio": 4}

    assert BuildSpec.from_json(json.dumps(data)).replay_ratio == 4.0


def test_an_unknown_key_is_refused_by_name():
    data = json.loads(a_spec().to_json()) | {"epocs": 3}

    with pytest.raises(SpecRefused, match="unknown keys: epocs"):
        BuildSpec.from_json(json.dumps(data))


def test_a_missing_key_is_refused_by_name():
    data = json.loads(a_spec().to_json())
    del data["manifest"]

    with pytest.raises(SpecRefused, match="lacks manifest"):
        BuildSpec.from_json(json.dumps(data))


def test_a_mistyped_inner_value_is_refused_by_its_place():
    data = json.loads(a_spec().to_json())
    data["skills"]["docs"]["margin"] = "five"

    with pytest.raises(SpecRefused, match=r"skills\.docs\.margin"):
        BuildSpec.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"skills": {}}, "skills must name at least one skill"),
        ({"engine": "magic"}, "'magic' is not known"),
    ],
)
def test_what_no_build_can_follow_is_refused_in_a_sentence(
    changed: dict[str, object], sentence: str
):
    with pytest.raises(SpecRefused, match=sentence):
        a_spec(**changed)

"""A build trains a real adapter: it learns, repeats itself to the byte, and says why it cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.conftest import corrections
from training import artifacts, recipe
from training.errors import LossNotFinite, SpecRefused
from training.spec import BuildSpec, LoraSettings

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "training", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


@pytest.fixture(scope="module")
def built(specify, tmp_path_factory: pytest.TempPathFactory):
    """One short build of sixty corrections, with everything it told on the way."""
    spec = specify(corrections("date_short", 60))
    told: list[dict[str, Any]] = []
    out = tmp_path_factory.mktemp("adapters")
    adapter = recipe.build_adapter(spec, out=out, tell=lambda **event: told.append(event))
    return spec, adapter, told


def report_of(adapter: artifacts.Adapter) -> dict[str, Any]:
    return json.loads((adapter.path / artifacts.REPORT).read_text())


def test_corrections_teach_what_they_correct(built):
    _, adapter, _ = built
    report = report_of(adapter)

    assert (report["skills"]["date_short"]["before"], report["verdict"]) == (0.0, "fit")
    assert report["skills"]["date_short"]["after"] > 60.0
    assert report["overall"]["low"] > 0
    assert (report["rows"], report["replay_rows"]) == (60, 200)


def test_a_build_tells_its_stages_and_its_progress(built):
    told = built[2]
    progress = [event for event in told if event["event"] == "progress"]

    assert [e["stage"] for e in told if e["event"] == "stage"] == ["training", "comparing"]
    assert progress[-1]["done"] == progress[-1]["total"]


def test_the_same_specification_gives_the_same_bytes_in_another_process(built, tmp_path: Path):
    spec, adapter, _ = built
    (tmp_path / "spec.json").write_text(spec.to_json())

    with command("build", str(tmp_path / "spec.json"), "--out", str(tmp_path / "out")) as other:
        said = [json.loads(line) for line in other.communicate()[0].splitlines()]

    assert other.returncode == 0
    assert said[-1] == {
        "event": "done",
        "adapter": adapter.name,
        "digest": adapter.digest,
        "path": str(tmp_path / "out" / adapter.name),
    }
    for name in (artifacts.WEIGHTS, artifacts.CONFIG):
        again = (tmp_path / "out" / adapter.name / name).read_bytes()
        assert again == (adapter.path / name).read_bytes()


def test_a_build_that_starts_from_the_live_version_is_measured_against_it(
    built, specify, tmp_path: Path
):
    _, live, _ = built
    spec = specify(corrections("date_short", 4, seed=9), start_from=str(live.path), epochs=1)

    report = report_of(recipe.build_adapter(spec, out=tmp_path))

    first = report_of(live)["skills"]["date_short"]["after"]
    assert report["skills"]["date_short"]["before"] == first


def test_a_live_version_of_another_shape_cannot_be_continued(built, specify, tmp_path: Path):
    spec = specify(corrections("docs", 2), start_from=str(built[1].path), lora=LoraSettings(rank=4))

    with pytest.raises(SpecRefused, match="has rank 16 and alpha 32"):
        recipe.build_adapter(spec, out=tmp_path)


def test_a_loss_that_is_not_a_number_stops_the_build_and_leaves_nothing(specify, tmp_path: Path):
    spec = specify(corrections("docs", 20), learning_rate=1e30)

    with pytest.raises(LossNotFinite, match="lower learning rate"):
        recipe.build_adapter(spec, out=tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rows", "changed", "sentence"),
    [
        (0, {}, "is empty: there is nothing to learn."),
        (2, {"base": "/nowhere/at/all"}, "is neither a folder nor a model that could be fetched."),
    ],
)
def test_what_cannot_be_built_is_one_sentence_and_exit_one(
    specify, tmp_path: Path, rows: int, changed: dict[str, Any], sentence: str
):
    spec: BuildSpec = specify(corrections("docs", rows), **changed)
    (tmp_path / "spec.json").write_text(spec.to_json())

    with command("build", str(tmp_path / "spec.json"), "--out", str(tmp_path / "out")) as build:
        last = json.loads(build.communicate()[0].splitlines()[-1])

    assert (build.returncode, last["event"]) == (1, "error")
    assert last["message"].endswith(sentence)


def test_a_build_ends_when_nobody_reads_it_any_more(specify, tmp_path: Path):
    spec = specify(corrections("docs", 40), epochs=500)
    (tmp_path / "spec.json").write_text(spec.to_json())

    with command("build", str(tmp_path / "spec.json"), "--out", str(tmp_path / "out")) as build:
        assert build.stdout is not None
        assert json.loads(build.stdout.readline())["event"] == "stage"
        build.stdout.close()
        assert build.wait(timeout=20) == 1

    assert not (tmp_path / "out").exists()

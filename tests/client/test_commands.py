"""`openflywheel login | status | pull | export`, before a running site."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from apps.accounts.models import Token
from apps.contributions.models import Contribution, Kind
from apps.contributions.stages import Stage
from tests.client.conftest import Terminal
from tests.people import a_contribution, somebody

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long and quiet password"


def test_whoever_signs_up_and_logs_in_needs_no_token_any_more(terminal: Terminal) -> None:
    typed = f"{PASSWORD}\n{PASSWORD}\n"

    done = terminal.run("login", "--name", "ada", "--sign-up", token="", typed=typed)

    assert done.exit_code == 0, done.output
    assert "You are ada (contributor)" in done.output
    assert PASSWORD not in done.output
    kept = terminal.folder / "config" / "openflywheel" / "logins.json"
    assert kept.stat().st_mode & 0o077 == 0
    rows = terminal.file({"prompt": "2+2", "completion": "4"})
    sent = terminal.submit(rows, token="")
    assert sent.exit_code == 0
    pr = Contribution.objects.get()
    assert pr.author.username == "ada"
    assert f"PRs {pr.pk}" in " ".join(sent.output.replace("│", " ").split())


def test_a_second_login_makes_a_new_token_and_a_wrong_password_makes_none(
    terminal: Terminal,
) -> None:
    terminal.run("login", "--name", "ada", "--sign-up", token="", typed=f"{PASSWORD}\n" * 2)

    again = terminal.run("login", "--name", "ada", "--json", token="", typed=f"{PASSWORD}\n")
    wrong = terminal.run("login", "--name", "ada", token="", typed="something else\n")
    taken = terminal.run("login", "--name", "ada", "--sign-up", token="", typed=f"{PASSWORD}\n" * 2)

    assert json.loads(again.stdout.splitlines()[-1])["name"] == "ada"
    assert Token.objects.filter(account__username="ada").count() == 2
    assert (wrong.exit_code, taken.exit_code) == (2, 2)
    assert "no account has this name and this password" in wrong.output
    assert "leave out --sign-up if it is yours" in taken.output


def test_a_token_made_elsewhere_is_taken_from_standard_input(terminal: Terminal) -> None:
    done = terminal.run("login", "--with-token", token="", typed=f"{terminal.token}\n")
    nothing = terminal.run("login", "--with-token", token="", typed="\n")

    assert f"You are {terminal.account.username}" in done.output
    assert nothing.exit_code == 2


def test_status_tells_where_a_pr_stands_and_who_acts_next(terminal: Terminal) -> None:
    pr = a_contribution(terminal.line, by=terminal.account, stage=Stage.IN_REVIEW)

    shown = terminal.run("status", str(pr.pk))
    as_json = json.loads(terminal.run("status", str(pr.pk), "--json").stdout)

    assert shown.exit_code == 0, shown.output
    for said in ("Some rows", "in review", "reviewer: decide on it"):
        assert said in shown.output
    assert as_json["contribution"]["stage"] == "in_review"
    assert [hop["kind"] for hop in as_json["life"]][:1] == ["contribution"]


def test_what_strangers_write_neither_breaks_nor_steers_the_terminal(terminal: Terminal) -> None:
    pr = a_contribution(terminal.line, by=terminal.account)
    Contribution.objects.filter(pk=pr.pk).update(title="a [/b] \x1b]0;title\x07 b")

    shown = terminal.run("status", str(pr.pk))

    assert shown.exit_code == 0, shown.output
    assert "a [/b] �]0;title� b" in shown.output


def test_a_pr_that_is_not_there_is_said_in_one_sentence(terminal: Terminal) -> None:
    done = terminal.run("status", "4711")

    assert done.exit_code == 2
    assert "there is no contribution 4711 that you may see" in done.output
    assert "Traceback" not in done.output


def test_what_is_pulled_can_be_sent_again(terminal: Terminal) -> None:
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2"}]
    rows = [{"prompt": asked, "completion": "4"}, {"prompt": "3+3", "completion": " 6\n"}]
    pr = a_contribution(terminal.line, by=somebody(), rows=rows)

    done = terminal.run("pull", str(pr.pk), "--to", terminal.folder / "rows", "--json")

    told = json.loads(done.stdout)
    assert told["rows"] == 2
    assert terminal.submit(Path(told["file"])).exit_code == 0
    first, again = Contribution.objects.order_by("pk")
    assert again.digest == first.digest


def test_ones_own_are_pulled_at_whatever_stage_and_all_else_only_accepted(
    terminal: Terminal,
) -> None:
    a_contribution(terminal.line, by=terminal.account, stage=Stage.REJECTED)
    a_contribution(terminal.line, by=somebody(), stage=Stage.ACCEPTED)
    a_contribution(terminal.line, by=somebody(), stage=Stage.SUBMITTED)

    mine = json.loads(terminal.run("pull", "--mine", "--to", terminal.folder, "--json").stdout)
    accepted = json.loads(terminal.run("pull", "--to", terminal.folder, "--json").stdout)

    assert (Path(mine["file"]).name, mine["rows"]) == ("mine.jsonl", 1)
    assert (Path(accepted["file"]).name, accepted["rows"]) == ("accepted.jsonl", 1)


@pytest.mark.parametrize("stranger", [True, False])
def test_an_export_is_one_file_or_a_dataset_folder(terminal: Terminal, stranger: bool) -> None:
    pair = {"prompt": "2+2", "chosen": "4", "rejected": "5"}
    a_contribution(terminal.line, rows=[pair], kind=Kind.PREFERENCE, stage=Stage.ACCEPTED)
    token = "" if stranger else terminal.token
    folder, file = terminal.folder / "set", terminal.folder / "rows.parquet"

    for words in (["--to", folder], ["--format", "parquet", "--kind", "preference", "--to", file]):
        done = terminal.run("export", *words, token=token)
        assert done.exit_code == 0, done.output

    printed = terminal.run("export", "--format", "ndjson", "--to", "-", token=token)
    assert json.loads(printed.stdout)["chosen"] == "4"
    assert "config_name: dpo" in (folder / "README.md").read_text()
    assert pq.read_table(folder / "data/dpo/train.parquet")["chosen"].to_pylist() == ["4"]
    assert pq.read_table(file)["chosen"].to_pylist() == [[{"role": "assistant", "content": "4"}]]
    zipped = Path(shutil.make_archive(str(folder), "zip", folder))
    for again in (folder, zipped):
        sent = terminal.submit(again, "--dry-run", "--json")
        assert json.loads(sent.stdout) | {"contributions": []} == {
            "contributions": [], "stored": 1, "duplicate": 0, "refused": [], "dry_run": True,
        }  # fmt: skip
        assert "“dpo” was read" in sent.stderr


def test_a_failed_export_leaves_no_file(terminal: Terminal) -> None:
    done = terminal.run(
        "export", "--format", "ndjson", "--stage", "x", "--to", terminal.folder / "f"
    )

    assert done.exit_code == 2
    assert "stage is not one of" in done.output
    assert list(terminal.folder.iterdir()) == []


def test_the_command_line_runs_without_being_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openflywheel", "--help"],
        cwd=ROOT / "platform",
        capture_output=True,
        text=True,
        check=True,
    )

    for command in ("login", "submit", "status", "pull", "export", "feedback"):
        assert command in done.stdout


def test_the_client_needs_neither_django_nor_torch_nor_arrow() -> None:
    code = "import sys, openflywheel.commands, openflywheel.mapping; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "platform",
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = {"django", "torch", "pyarrow", "numpy", "apps", "flywheel", "training"}
    assert not heavy & set(done.stdout.split())

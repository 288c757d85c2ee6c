"""How fast a writer hears of similar accepted rows: `python -m benchmarks.hints [--rows N]`.

Stores N accepted rows (10,000 a PR) of templated and of free text with their prints, asks for
neighbours of 200 of them with one word changed and of 200 texts that nobody wrote, prints JSON with
milliseconds, and rolls everything back. Wants the services of the environment running.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path
from statistics import quantiles

ROWS_A_PR = 10_000
ASKED = 200


def main() -> None:
    """Fill, ask, print, forget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flywheel.settings")
    import django

    django.setup()
    from django.db import transaction

    with transaction.atomic():
        print(json.dumps(measured(rows)))
        transaction.set_rollback(True)


def measured(rows: int) -> dict[str, object]:
    """Milliseconds for texts that resemble a row, and for texts that resemble none."""
    from django.db import connection

    from apps.checks import hints
    from apps.skills.models import ModelLine

    rng = random.Random(1)
    line = ModelLine.objects.create(name="benchmark-of-hints", title="", base="")
    began = time.perf_counter()
    prompts = [prompt for start in range(0, rows, ROWS_A_PR) for prompt in stored(line, start, rng)]
    filled = time.perf_counter() - began
    with connection.cursor() as cursor:
        # What autovacuum does where the transaction ends.
        cursor.execute("SELECT gin_clean_pending_list('checks_bands')")
        cursor.execute("ANALYZE checks_print, contributions_row, contributions_revision")
    near = [prompt.replace("report", "letter") for prompt in rng.sample(prompts, ASKED)]
    far = [said(rng, 14) for _ in range(ASKED)]
    answers = {}
    for name, texts in (("similar", near), ("unlike", far)):
        taken, found = [], 0
        for text in texts:
            began = time.perf_counter()
            found += bool(hints.similar(line, text))
            taken.append(1000 * (time.perf_counter() - began))
        steps = quantiles(taken, n=20)
        answers[name] = {
            "p50_ms": round(steps[9], 1),
            "p95_ms": round(steps[18], 1),
            "found": found,
        }
    return {"rows": rows, "asked": ASKED, "filled_s": round(filled, 1), **answers}


def stored(line: object, start: int, rng: random.Random) -> list[str]:
    """One accepted PR: half of its prompts follow a template, half are free."""
    from apps.accounts.models import Account
    from apps.checks.hints import prints_of
    from apps.checks.models import Print
    from apps.contributions.actions import Terms, offer
    from apps.contributions.models import Contribution

    author, _ = Account.objects.get_or_create(username="benchmark-of-hints")
    prompts = [
        f"How do I send the {said(rng, 3)} report of {start + n} by mail every week?"
        if n % 2
        else f"{said(rng, 8)} report {said(rng, 8)}"
        for n in range(ROWS_A_PR)
    ]
    rows = [{"prompt": prompt, "completion": "So."} for prompt in prompts]
    terms = Terms("CC0-1.0", "train", signed_off=True)
    pr = offer(line, by=author, kind="dataset", title="Rows", rows=rows, terms=terms).contribution  # type: ignore[arg-type]
    Contribution.objects.filter(pk=pr.pk).update(stage="accepted")
    Print.objects.bulk_create(prints_of(pr), batch_size=2000)
    return prompts


def said(rng: random.Random, words: int) -> str:
    """Made-up words."""
    return " ".join("".join(rng.choices("abdeiklmnorstu", k=5)) for _ in range(words))


if __name__ == "__main__":
    main()

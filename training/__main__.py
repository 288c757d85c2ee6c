"""The library's command line: `python -m training COMMAND`, and `--help` for what there is.

Commands that work for a while tell it in JSON lines on stdout; a refusal is one sentence.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import stat
import sys
import threading
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.spec import BuildSpec


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what it says, 1 with a sentence when it could not."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except TrainingError as refusal:
        tell(event="error", message=str(refusal))
        return 1
    return 0


def tell(**event: Any) -> None:
    """One JSON line on stdout, at once."""
    print(json.dumps(event, allow_nan=False), flush=True)


def end_with_reader() -> None:
    """End this process as soon as nobody reads its stdout any more.

    A worker that was killed must not leave a training run behind that nobody waits for.
    """
    if not (stat.S_ISFIFO(mode := os.fstat(1).st_mode) or stat.S_ISSOCK(mode)):
        return
    watch = select.poll()
    watch.register(1, 0)  # hang-up and error are reported even when nothing is asked for

    def wait() -> None:
        watch.poll()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="train and measure an adapter as SPEC says")
    build.add_argument("spec", type=Path, metavar="SPEC.json")
    build.add_argument("--out", type=Path, required=True, help="folder that receives the adapter")
    build.set_defaults(run=_build)

    serve = commands.add_parser("serve", help="answer OpenAI-compatible requests")
    serve.add_argument("--base", required=True, help="folder or Hugging Face id")
    serve.add_argument("--name", help="name of the base in requests (default: its folder's name)")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8001)
    serve.add_argument(
        "--allow-adapters", type=Path, metavar="DIR", help="load adapters from here, and no other"
    )
    serve.set_defaults(run=_serve)

    verify = commands.add_parser("verify", help="check an adapter folder")
    verify.add_argument("folder", type=Path, metavar="DIR")
    verify.set_defaults(run=_verify)

    compare = commands.add_parser("compare", help="compare two versions on a hold-out")
    compare.add_argument("--base", required=True)
    compare.add_argument("--before", type=Path, help="adapter folder (default: the base)")
    compare.add_argument("--after", type=Path, help="adapter folder (default: the base)")
    compare.add_argument("--holdout", type=Path, required=True)
    compare.set_defaults(run=_compare)

    preview = commands.add_parser(
        "preview", help="try contributions on the live model, as JOB says"
    )
    preview.add_argument("job", type=Path, metavar="JOB.json")
    preview.set_defaults(run=_preview)

    starter = commands.add_parser("starter", help="the starter line").add_subparsers(
        required=True, metavar="WHAT"
    )
    make = starter.add_parser("make", help="make the starter model again")
    make.add_argument("--out", type=Path, required=True)
    make.add_argument(
        "--small", action="store_true", help="a third of the weights, in a fifth of the time"
    )
    make.set_defaults(run=_starter_make)
    world = starter.add_parser("world", help="write skills, hold-out and replay pool")
    world.add_argument("--out", type=Path, required=True)
    world.add_argument("--small", action="store_true", help="fewer cases, fewer rows")
    world.set_defaults(run=_starter_world)
    return parser


def _build(parsed: argparse.Namespace) -> None:
    end_with_reader()
    spec = BuildSpec.load(parsed.spec)
    from training import recipe

    adapter = recipe.build_adapter(spec, out=parsed.out, tell=tell)
    tell(event="done", adapter=adapter.name, digest=adapter.digest, path=str(adapter.path))


def _preview(parsed: argparse.Namespace) -> None:
    end_with_reader()
    from training.preview.spec import PreviewJob

    job = PreviewJob.load(parsed.job)
    from training.preview.measuring import measure

    measure(job, tell)


def _serve(parsed: argparse.Namespace) -> None:
    from training import runtime

    runtime.serve(
        base=parsed.base,
        name=parsed.name or Path(parsed.base).resolve().name,
        host=parsed.host,
        port=parsed.port,
        allow_adapters=parsed.allow_adapters,
    )


def _verify(parsed: argparse.Namespace) -> None:
    from training import artifacts

    adapter = artifacts.verify(parsed.folder)
    tell(event="done", adapter=adapter.name, digest=adapter.digest, path=str(adapter.path))


def _compare(parsed: argparse.Namespace) -> None:
    from training import comparing

    compared = comparing.compare_folders(
        parsed.base, before=parsed.before, after=parsed.after, holdout=parsed.holdout
    )
    tell(event="done", **compared)


def _starter_make(parsed: argparse.Namespace) -> None:
    from training.starter import making

    making.make(parsed.out, making.SMALL if parsed.small else making.Recipe())
    tell(event="done", path=str(parsed.out))


def _starter_world(parsed: argparse.Namespace) -> None:
    from training.starter import line

    line.write(parsed.out, small=parsed.small)
    tell(event="done", path=str(parsed.out))


if __name__ == "__main__":
    sys.exit(main())

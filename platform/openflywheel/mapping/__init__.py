"""From the shapes that users already have to ours: pure functions, lazily, row by row.

`from_trl`, `from_argilla` and `from_openai` make rows to submit; `from_langfuse` and `from_otlp`
make feedback. What cannot be mapped raises `Unmapped`, which names the row and the mend.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from openflywheel.mapping.argilla import from_argilla
from openflywheel.mapping.faults import Unmapped
from openflywheel.mapping.langfuse import from_langfuse
from openflywheel.mapping.openai import from_openai
from openflywheel.mapping.otlp import from_otlp
from openflywheel.mapping.trl import from_trl, to_trl

Shape = Callable[[Iterable[Mapping[str, Any]]], Iterator[dict[str, Any]]]

ROWS: dict[str, Shape] = {"trl": from_trl, "argilla": from_argilla, "openai": from_openai}
FEEDBACK: dict[str, Shape] = {"langfuse": from_langfuse, "otlp": from_otlp}

__all__ = [
    "FEEDBACK",
    "ROWS",
    "Shape",
    "Unmapped",
    "from_argilla",
    "from_langfuse",
    "from_openai",
    "from_otlp",
    "from_trl",
    "to_trl",
]

"""Words, digests and counts, as several shapes have them."""

from __future__ import annotations

from typing import Annotated

from apps.api.calls import Facts

Name = Annotated[str, Facts(minLength=1)]
Digest = Annotated[str, "SHA-256, in hexadecimal", Facts(pattern="^([0-9a-f]{64})?$")]
Address = Annotated[str, Facts(format="uri")]
Count = Annotated[int, Facts(minimum=0)]
Percent = Annotated[int, Facts(minimum=0, maximum=100)]
TraceId = Annotated[str, "As it came with the answer", Facts(pattern="^tr_[0-9]+$")]


# A file as it streams: lines of JSON, Parquet, or a zip.
Exported = Annotated[str, "The rows, in the form that was asked for", Facts(format="binary")]

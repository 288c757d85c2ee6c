"""Files from strangers: read by a child process that may use little, and do nothing else."""

from apps.contributions.uploads.jail import rows_of_paste, rows_of_upload
from openflywheel.reading.archives import Placed, Told

__all__ = ["Placed", "Told", "rows_of_paste", "rows_of_upload"]

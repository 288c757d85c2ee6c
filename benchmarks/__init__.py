"""What is measured and by how much: `python -m benchmarks.NAME`, from the root of the checkout."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flywheel.settings")

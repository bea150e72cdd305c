"""The benchmarks of memory: what recall finds of conversations and paragraphs of others, and how fast it is.

`python benchmarks/recall.py` runs them, prints a table and writes results/YYYY-MM-DD-recall.json. The data is
no part of this project: it is read from `../shared/data` beside it, or from BACKBOARD_BENCHMARK_DATA; where
there is none, only speed is measured.
"""

from __future__ import annotations

import sys

from measures import recall_quality, recall_speed
from rig.memories import DATA
from rig.program import Measure, run

_FINDING: dict[str, Measure] = {
    "conversations": recall_quality.measure_conversations,
    "paragraphs": recall_quality.measure_paragraphs,
}

if __name__ == "__main__":
    if not DATA.is_dir():
        print("There is no data to search in (BACKBOARD_BENCHMARK_DATA).", file=sys.stderr)
        _FINDING.clear()
    run("recall", {**_FINDING, "speed": recall_speed.measure})

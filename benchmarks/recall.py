"""The benchmarks of memory: what recall finds of conversations and paragraphs of others, and how fast it is.

`python benchmarks/recall.py` runs them, prints a table and writes results/YYYY-MM-DD-recall.json. The
data is no part of this project: it is read from `../shared/data` beside it, or from BACKBOARD_BENCHMARK_DATA.
"""

from __future__ import annotations

from measures import recall_quality, recall_speed
from rig.program import run

if __name__ == "__main__":
    run(
        "recall",
        {
            "conversations": recall_quality.measure_conversations,
            "paragraphs": recall_quality.measure_paragraphs,
            "speed": recall_speed.measure,
        },
    )

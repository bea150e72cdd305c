"""The benchmark of the catalogue: a page of models, and what reading all of them costs.

`python benchmarks/models.py` runs it, prints a table and writes results/YYYY-MM-DD-models.json.
"""

from __future__ import annotations

from measures import catalogue
from rig.program import run

if __name__ == "__main__":
    run("models", {"catalogue": catalogue.measure})

"""The benchmarks of the main job: one message to a thread, and what the server costs beside the model.

`python benchmarks/message.py` runs all of them, prints a table and writes results/YYYY-MM-DD-message.json;
with names (`python benchmarks/message.py start memory`) it runs those and writes nothing.
"""

from __future__ import annotations

from measures import long_thread, memory, message_overhead, receipt, relay_chunk, start
from rig.program import run

if __name__ == "__main__":
    run(
        "message",
        {
            "message_overhead": message_overhead.measure,
            "relay_chunk": relay_chunk.measure,
            "receipt": receipt.measure,
            "long_thread": long_thread.measure,
            "start": start.measure,
            "memory": memory.measure,
        },
    )

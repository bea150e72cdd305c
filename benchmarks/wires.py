"""The benchmarks of the wires: a streamed chunk as a library, beside others, and through the whole server.

`python benchmarks/wires.py` runs all of them, prints a table and writes results/YYYY-MM-DD-wires.json; with
names (`python benchmarks/wires.py relay_gemini`) it runs those and writes nothing. Its first run installs the
libraries that we are compared with, apart from ours.
"""

from __future__ import annotations

from functools import partial

from measures import relay_chunk, wire_chunk
from rig.environments import versions
from rig.libraries import LITELLM, SDKS
from rig.program import run

if __name__ == "__main__":
    run(
        "wires",
        {
            "wire_chunk": wire_chunk.measure,
            "relay_openai_chat": partial(relay_chunk.measure, "openai_chat"),
            "relay_anthropic": partial(relay_chunk.measure, "anthropic"),
            "relay_gemini": partial(relay_chunk.measure, "gemini"),
        },
        versions(SDKS, LITELLM),
    )

"""Run the fake vendor on its own, for demonstrations and as the far end of benchmarks."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal

from .script import Answer, Fault
from .server import FakeVendor


def main() -> None:
    """Listen until SIGTERM or SIGINT; the first line of output tells the addresses."""
    options = _parser().parse_args()
    answer = Answer(
        text=options.text,
        chunks=options.chunks,
        first_byte_delay_seconds=options.first_byte_delay_seconds,
        chunk_delay_seconds=options.chunk_delay_seconds,
        fault=Fault(options.fault) if options.fault else None,
    )
    asyncio.run(_listen(options.port, answer))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fake_vendor", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--text", help="what every answer says; left out, it echoes the last user message")
    parser.add_argument("--chunks", type=int, default=0, help="pieces of a streamed answer; 0: one a word")
    parser.add_argument("--first-byte-delay-seconds", type=float, default=0.0)
    parser.add_argument("--chunk-delay-seconds", type=float, default=0.0)
    parser.add_argument("--fault", choices=[str(fault) for fault in Fault])
    return parser


async def _listen(port: int, answer: Answer) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with FakeVendor(port=port) as vendor:
        vendor.script(answer)
        print(json.dumps({"base_url": vendor.base_url, "root_url": vendor.root_url}), flush=True)
        await stopped.wait()


if __name__ == "__main__":
    main()

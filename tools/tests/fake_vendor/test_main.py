from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path


def test_on_its_own_it_prints_its_address_answers_and_stops_when_told() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "fake_vendor", "--port", "0", "--text", "Hello from outside."]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as vendor:  # noqa: S603 - our own
        assert vendor.stdout
        base_url = json.loads(vendor.stdout.readline())["base_url"]
        question = json.dumps({"model": "m", "messages": []}).encode()

        with urllib.request.urlopen(f"{base_url}/chat/completions", question) as response:  # noqa: S310 - loopback
            answer = json.load(response)
        vendor.terminate()

        assert answer["choices"][0]["message"]["content"] == "Hello from outside."
        assert vendor.wait(timeout=10) == 0

"""A `gage dev` process of one's own, and the world of `world.mjs` built on it."""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 15
POLL_SECONDS = 0.05

STORY = json.loads((HERE / "story.json").read_text())


def binary():
    """The binary under test."""
    return os.environ["GAGE_BIN"]


def eventually(probe, seconds=20):
    """Asks until `probe` neither raises nor answers None or False."""
    deadline = time.monotonic() + seconds
    while True:
        last = "no answer yet"
        try:
            answer = probe()
            if answer is not None and answer is not False:
                return answer
        except Exception as error:  # the last one is told below
            last = repr(error)
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {last}")
        time.sleep(POLL_SECONDS)


def rpc(url, method, *params):
    """One raw request, its result."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    if "error" in answer:
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]


class Node:
    """Started by `Node()`, ended by `stop()`; its RPC answers once it is made."""

    def __init__(self):
        command = [binary(), "dev", "--ephemeral", "--no-demo", "--block-time", "0.2"]
        command += ["--port", "0", "--no-metrics"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.printed = ""
        # Read for as long as it runs: a full pipe would stop the node.
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.url = eventually(self._find_url, START_SECONDS_MAX)
        except TimeoutError as error:
            self.process.kill()
            raise RuntimeError(f"gage dev did not start: {error}\n{self.printed}") from None
        self.web_socket_url = self.url.replace("http", "ws", 1)

    def _read(self):
        for line in self.process.stdout:
            self.printed += line

    def _find_url(self):
        found = re.search(r"http://[\w.]+:\d+", self.printed)
        if found is None:
            return None
        rpc(found[0], "eth_chainId")
        return found[0]

    def stop(self):
        """Ends it as a user would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        return code


def build_world(url):
    """The market and everything it needs, built by governance through `world.mjs`."""
    command = ["node", str(HERE / "world.mjs"), url]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def abis():
    """The ABIs as `gage abi` writes them, by contract, each with every custom error."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([binary(), "abi", "--out", folder], check=True, capture_output=True)

        def read(name):
            parsed = json.loads((Path(folder) / f"{name}.json").read_text())
            return parsed["abi"] if isinstance(parsed, dict) else parsed

        errors = read("IGageErrors")
        token = read("IERC20Permit")
        return {
            "asset": read("IAsset") + token + errors,
            "vault": read("IVault") + token + errors,
            "market": read("IMarket") + errors,
            "oracle": read("IOracle") + errors,
            "errors": errors,
        }

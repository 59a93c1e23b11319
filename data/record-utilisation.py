"""Records data/2024-08-utilisation.csv: the utilisation of the demo's USDC vault, hour by hour.

A replay of August 2024 with its thousand borrowers, and one more borrower, who draws more the further
ETH is below its high: 0.65 times that fall, of all that the vault has. GAGE_BIN names the binary.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request

PORT = 18745
URL = f"http://127.0.0.1:{PORT}"
GAGE = os.environ.get("GAGE_BIN", "target/release/gage")
FIRST, END = 1_722_470_400, 1_723_161_600
STEP = 900
# Dev account 0.
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


def ask(method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(URL, body, {"content-type": "application/json"})
    answer = json.load(urllib.request.urlopen(request))
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["result"]


def gage(*words):
    settings = {**os.environ, "GAGE_RPC_URL": URL, "GAGE_PRIVATE_KEY": KEY}
    return subprocess.run([GAGE, *words], env=settings, stdout=subprocess.DEVNULL).returncode == 0


def head():
    block = ask("eth_getBlockByNumber", "latest", False)
    return int(block["number"], 16), int(block["timestamp"], 16)


def main(out):
    replay = "dev --replay 2024-08 --no-bids --speed 3600 --ephemeral --no-live --no-metrics --quiet"
    node = subprocess.Popen([GAGE, *replay.split(), "--port", str(PORT)])
    while True:
        try:
            if head()[1] >= FIRST:
                break
        except OSError:
            pass
        time.sleep(0.1)
    gage("faucet", OWNER, "4000")
    gage("supply", "WETH", "3500")
    hours, high, owed = {}, 0.0, 0.0
    number = 0
    while True:
        newest, now = head()
        hour = now - now % 3600
        if hour not in hours:
            # States are kept for 256 blocks: the hour's first block is among them.
            number = max(number, newest - 32)
            while int(ask("eth_getBlockByNumber", hex(number), False)["timestamp"], 16) < hour:
                number += 1
            hours[hour] = ask("gage_vaults", hex(number))[0]["utilisation"]["raw"]
            if now >= END - STEP:
                break
            vault = ask("gage_vaults")[0]
            cash, debt = float(vault["cash"]["formatted"]), float(vault["debt"]["formatted"])
            feed = next(feed for feed in ask("gage_feeds") if "WETH" in json.dumps(feed))
            price = float(feed["price"]["formatted"])
            high = max(high, price)
            more = 0.65 * (1 - price / high) * (cash + debt) - owed
            more = min(more, cash - 0.004 * (cash + debt))
            if abs(more) >= 0.002 * (cash + debt):
                word = "borrow" if more > 0 else "repay"
                owed += more if gage(word, "USDC", f"{abs(more):.2f}") else 0.0
        elif now >= END - STEP:
            break
        time.sleep(0.03)
    node.terminate()
    with open(out, "w") as file:
        file.write("ts,utilisation\n")
        for hour in sorted(hours):
            if hour >= FIRST:
                file.write(f"{hour},{int(hours[hour]) / 1e18:.6f}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "data/2024-08-utilisation.csv")

"""State tests for the rules of this chain, filled by Ethereum's own executable specification.

The programs below are ours; what each must do is computed by the Osaka fork of the Ethereum execution
specification (PyPI `ethereum-execution` 2.20.0, CC0-1.0), one transaction on a small state each:

    pip install ethereum-execution==2.20.0 && python fill.py > osaka.json
"""

import json
import logging
import sys
from io import StringIO

from hashlib import sha256

import coincurve
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from ethereum.crypto.hash import keccak256
from ethereum.forks.osaka.transactions import encode_transaction
from ethereum_rlp import rlp
from ethereum_spec_tools.evm_tools import create_parser
from ethereum_spec_tools.evm_tools.t8n import T8N, ForkCache
from py_ecc import bls12_381, bn128

logging.disable(logging.CRITICAL)

KEY = "0x" + "45" * 32
OTHER_KEY = "0x" + "46" * 32
ETHER = 10**18


def address_of(key):
    public = coincurve.PrivateKey(bytes.fromhex(key[2:])).public_key.format(compressed=False)
    return "0x" + keccak256(public[1:])[12:].hex()


SENDER, OTHER = address_of(KEY), address_of(OTHER_KEY)
CODE = "0x" + "c0" * 20
CALLEE = "0x" + "ca" * 20
EMPTY = "0x" + "e0" * 20
COINBASE = "0x" + "b0" * 20
ENV = {
    "currentCoinbase": COINBASE,
    "currentGasLimit": hex(120_000_000),
    "currentNumber": "0x11",
    "currentTimestamp": "0x6a000000",
    "currentBaseFee": "0x7",
    "currentRandom": "0x" + "5a" * 32,
    "currentDifficulty": "0x0",
    "currentExcessBlobGas": "0x0",
    "parentBeaconBlockRoot": "0x" + "00" * 32,
    "blockHashes": {hex(number): f"0x{number:02x}" + "11" * 31 for number in range(17)},
    "withdrawals": [],
}
MAX = 2**256 - 1
MIN = 2**255

NAMES = {}
for number, name in enumerate("STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND".split()):
    NAMES[name] = number
for number, name in enumerate("LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR CLZ".split()):
    NAMES[name] = 0x10 + number
NAMES["KECCAK256"] = 0x20
for number, name in enumerate(
    """ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE CODECOPY
    GASPRICE EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH BLOCKHASH COINBASE
    TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBHASH BLOBBASEFEE""".split()
):
    NAMES[name] = 0x30 + number
for number, name in enumerate(
    """POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST TLOAD TSTORE MCOPY
    PUSH0""".split()
):
    NAMES[name] = 0x50 + number
for number in range(1, 17):
    NAMES[f"DUP{number}"], NAMES[f"SWAP{number}"] = 0x7F + number, 0x8F + number
for number in range(5):
    NAMES[f"LOG{number}"] = 0xA0 + number
for number, name in enumerate("CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2".split()):
    NAMES[name] = 0xF0 + number
NAMES |= {"STATICCALL": 0xFA, "REVERT": 0xFD, "INVALID": 0xFE, "SELFDESTRUCT": 0xFF}


def push(value):
    if isinstance(value, str):
        value = int(value, 16)
    size = (value.bit_length() + 7) // 8
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


def asm(*items):
    """Names are opcodes, numbers and addresses are pushed, bytes are themselves."""
    code = b""
    for item in items:
        if isinstance(item, bytes):
            code += item
        elif isinstance(item, str) and item in NAMES:
            code += bytes([NAMES[item]])
        else:
            code += push(item)
    return code


class Slots:
    """Code that writes results to the slots 1, 2, and so on."""

    def __init__(self):
        self.code, self.next = b"", 1

    def keep(self, *items):
        self.code += asm(*items) + asm(self.next, "SSTORE")
        self.next += 1
        return self

    def do(self, *items):
        self.code += asm(*items)
        return self


def call(kind, to, gas=100_000, value=0, data=(0, 0), out=(0, 0)):
    """A call by opcode `kind`; its success is left on the stack."""
    values = [value] if kind in ("CALL", "CALLCODE") else []
    return asm(out[1], out[0], data[1], data[0], *values, to, gas, kind)


def in_memory(data):
    """Lays `data` into memory from 0 on."""
    words = [data[at : at + 32].ljust(32, b"\0") for at in range(0, len(data), 32)]
    return b"".join(asm(int.from_bytes(word, "big"), 32 * at, "MSTORE") for at, word in enumerate(words))


def init_for(runtime):
    """Creation code that leaves `runtime`."""
    head = asm(len(runtime), 0, 0, "CODECOPY", len(runtime), 0, "RETURN")
    for _ in range(3):
        head = asm(len(runtime), len(head), 0, "CODECOPY", len(runtime), 0, "RETURN")
    return head + runtime


def hexed(data):
    return "0x" + data.hex()


def account(balance=0, nonce=0, code=b"", storage=None):
    slots = {hex(slot): hex(value) for slot, value in (storage or {}).items()}
    return {"balance": hex(balance), "nonce": hex(nonce), "code": hexed(code), "storage": slots}


def authorization(address, nonce=0, chain=1, key=OTHER_KEY):
    rest = rlp.encode(
        [
            chain.to_bytes((chain.bit_length() + 7) // 8, "big"),
            bytes.fromhex(address[2:]),
            nonce.to_bytes((nonce.bit_length() + 7) // 8, "big"),
        ]
    )
    signed = coincurve.PrivateKey(bytes.fromhex(key[2:])).sign_recoverable(
        keccak256(b"\x05" + rest), hasher=None
    )
    r, s = (hex(int.from_bytes(part, "big")) for part in (signed[:32], signed[32:64]))
    return {
        "chainId": hex(chain),
        "address": address,
        "nonce": hex(nonce),
        "v": hex(signed[64]),
        "yParity": hex(signed[64]),
        "r": r,
        "s": s,
    }


TESTS = []
CACHE = ForkCache()


def test(name, code=b"", pre=None, balance=100 * ETHER, **fields):
    """One transaction of SENDER, to a contract with `code` unless it says otherwise."""
    alloc = {
        SENDER: account(balance),
        CODE: account(ETHER, 1, code),
        OTHER: account(ETHER),
    } | (pre or {})
    alloc = {address: known for address, known in alloc.items() if known}
    tx = {
        "type": "0x2",
        "chainId": "0x1",
        "nonce": "0x0",
        "to": CODE,
        "gas": hex(2_000_000),
        "value": "0x0",
        "input": "0x",
        "maxFeePerGas": "0x10",
        "maxPriorityFeePerGas": "0x2",
        "accessList": [],
        "secretKey": KEY,
    } | fields
    if "gasPrice" in fields:
        del tx["maxFeePerGas"], tx["maxPriorityFeePerGas"]
        if tx["type"] == "0x0":
            del tx["accessList"]
    stdin = StringIO(json.dumps({"env": ENV, "alloc": alloc, "txs": [tx]}))
    options = create_parser().parse_args(
        "t8n --input.alloc stdin --input.env stdin --input.txs stdin --state.fork Osaka --state-test".split()
    )
    tool = T8N(options, StringIO(), stdin, CACHE)
    assert tool.txs.transactions, (name, tool.txs.rejected_txs)
    signed = tool.txs.transactions[0]
    encoded = encode_transaction(signed)
    raw = encoded if isinstance(encoded, bytes) else rlp.encode(encoded)
    tool.run_state_test()
    result = tool.result
    expected = {"hash": hexed(result.state_root), "logs": hexed(result.logs_hash)}
    if result.rejected:
        expected["rejected"] = True
    else:
        expected["gasUsed"] = hex(int(result.gas_used))
        expected["status"] = bool(result.receipts[0][1].succeeded)
    TESTS.append({"name": name, "pre": alloc, "tx": hexed(raw), "post": expected})


def words():
    edges = [
        0,
        1,
        2,
        3,
        31,
        32,
        255,
        256,
        MAX,
        MAX - 1,
        MIN,
        MIN - 1,
        MIN + 1,
        2**128,
        0x0123456789ABCDEF << 100,
    ]
    pairs = [(a, b) for a in edges for b in (0, 1, 3, 32, MAX, MIN)]
    for (
        name
    ) in "ADD MUL SUB DIV SDIV MOD SMOD EXP SIGNEXTEND LT GT SLT SGT EQ AND OR XOR BYTE SHL SHR SAR".split():
        slots = Slots()
        some = pairs if name != "EXP" else [(a, b) for a in edges[:9] for b in (0, 1, 2, 31, 257, 2**40)]
        for first, second in some:
            slots.keep(second, first, name)
        test(f"words {name}", slots.code, gas=hex(8_000_000))
    for name in "ISZERO NOT CLZ".split():
        slots = Slots()
        for value in edges:
            slots.keep(value, name)
        test(f"words {name}", slots.code)
    for name in "ADDMOD MULMOD".split():
        slots = Slots()
        for a in (0, 1, 7, MAX, MIN):
            for b in (0, 3, MAX):
                for n in (0, 1, 2, 12, MAX):
                    slots.keep(n, b, a, name)
        test(f"words {name}", slots.code, gas=hex(8_000_000))


def surroundings():
    slots = Slots()
    for name in """ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE COINBASE
    TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBBASEFEE PC MSIZE GAS""".split():
        slots.keep(name)
    for at in (0, 1, 31, 32, 40, MAX):
        slots.keep(at, "CALLDATALOAD")
    for number in (0, 15, 16, 17, 18, MAX):
        slots.keep(number, "BLOCKHASH")
    slots.keep(0, "BLOBHASH").keep(MAX, "BLOBHASH")
    for who in (SENDER, CODE, OTHER, EMPTY, COINBASE, "0x1"):
        slots.keep(who, "BALANCE").keep(who, "EXTCODESIZE").keep(who, "EXTCODEHASH")
    for kind in ("0x0", "0x2"):
        fee = {"gasPrice": "0x9", "type": "0x0"} if kind == "0x0" else {}
        test(f"surroundings, type {kind}", slots.code, input="0x" + "a7" * 40, value="0x5", **fee)


def memory():
    fill = in_memory(bytes(range(1, 97)))
    slots = Slots().do(fill)
    for source, to, size in ((0, 1, 40), (1, 0, 40), (32, 0, 0), (0, 64, 32), (90, 200, 10), (5, 5, 5)):
        slots.do(size, source, to, "MCOPY").keep(256, 0, "KECCAK256").keep("MSIZE")
    slots.do(0xABCD, 300, "MSTORE8").keep(288, "MLOAD").keep(1000, "MLOAD").keep("MSIZE")
    for size in (0, 1, 31, 32, 33, 136, 137):
        slots.keep(size, 0, "KECCAK256")
    test("memory", slots.code)
    copies = Slots()
    for to, source, size in ((0, 0, 32), (3, 5, 40), (0, 1000, 10), (0, MAX, 5), (10, 0, 0)):
        copies.do(size, source, to, "CALLDATACOPY").do(size, source, to + 100, "CODECOPY")
        copies.do(size, source, to + 200, CALLEE, "EXTCODECOPY").keep(320, 0, "KECCAK256")
    test("copies", copies.code, {CALLEE: account(0, 1, bytes(range(50)))}, input="0x" + "1d" * 50)
    for size in (0x10000, 0x100000, 2**32, MAX):
        test(f"memory grows to {size:#x}", asm(1, size, "MSTORE", 1, 1, "SSTORE"))


def storage():
    for before in (0, 1, 2):
        for writes in (
            (0,),
            (1,),
            (2,),
            (0, 1),
            (1, 0),
            (2, 0),
            (2, 1),
            (1, 2),
            (0, 1, 0),
            (1, 0, 1),
            (2, 0, 2),
            (0, 2, 1),
        ):
            code = b"".join(asm(value, 0, "SSTORE") for value in writes)
            test(
                f"storage {before} {writes}",
                code,
                {CODE: account(ETHER, 1, code, {0: before} if before else {})},
            )
    slots = Slots().keep(5, "SLOAD").keep(5, "SLOAD").keep("GAS").keep(7, "TLOAD")
    slots.do(9, 7, "TSTORE").keep(7, "TLOAD").keep("GAS")
    test("cold and warm", slots.code)
    clearing = b"".join(asm(0, slot, "SSTORE") for slot in range(1, 30))
    test(
        "refunds are capped", clearing, {CODE: account(0, 1, clearing, {slot: slot for slot in range(1, 30)})}
    )
    for gas in (2_300, 2_301, 5_000, 30_000):
        code = Slots().keep(call("CALL", CALLEE, gas=gas)).keep("GAS").code
        test(f"storage with {gas} gas", code, {CALLEE: account(0, 1, asm(1, 1, "SSTORE"))})
    test(
        "transient storage ends with a revert",
        Slots().keep(call("CALL", CALLEE)).keep(call("CALL", CALLEE)).code,
        {CALLEE: account(0, 1, asm(1, "TLOAD", 1, "SSTORE", 1, 1, "TSTORE", 0, 0, "REVERT"))},
    )


def logs():
    for topics in range(5):
        code = (
            in_memory(b"\x11" * 50)
            + asm(*range(1, topics + 1), 40, 3, f"LOG{topics}")
            + asm(*range(topics), 0, 0, f"LOG{topics}")
        )
        test(f"log with {topics} topics", code)
    test(
        "log in a static frame",
        Slots().keep(call("STATICCALL", CALLEE)).code,
        {CALLEE: account(0, 1, asm(0, 0, "LOG0"))},
    )
    test(
        "log that is reverted",
        Slots().keep(call("CALL", CALLEE)).code,
        {CALLEE: account(0, 1, asm(0, 0, "LOG0", 0, 0, "REVERT"))},
    )


def calls():
    shows = (
        Slots()
        .keep("ADDRESS")
        .keep("CALLER")
        .keep("CALLVALUE")
        .keep("CALLDATASIZE")
        .keep("SELFBALANCE")
        .keep("GAS")
    )
    shows.do(in_memory(b"\x77" * 40), 40, 0, "RETURN")
    callees = {
        "writes": shows.code,
        "reverts": in_memory(b"\x88" * 9) + asm(1, 1, "SSTORE", 9, 0, "REVERT"),
        "halts": asm("INVALID"),
        "burns": asm("JUMPDEST", 0, "JUMP"),
        "stops": b"",
        "returns much": asm(5000, 0, "RETURN"),
    }
    for kind in ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"):
        for what, code in callees.items():
            for value in (0, 3) if kind in ("CALL", "CALLCODE") else (0,):
                slots = Slots().keep(call(kind, CALLEE, value=value, data=(0, 7), out=(64, 20)))
                slots.keep("RETURNDATASIZE").keep(64, "MLOAD").keep("GAS")
                test(f"{kind} {what}, value {value}", slots.code, {CALLEE: account(1, 1, code)})
    for who in (EMPTY, OTHER, "0x4", SENDER, COINBASE):
        for value in (0, 1, 2 * ETHER):
            test(
                f"value {value} to {who}",
                Slots().keep(call("CALL", who, value=value)).keep("GAS").keep(who, "BALANCE").code,
            )
    slots = Slots().do(call("CALL", CALLEE), "POP", 10, 0, 0, "RETURNDATACOPY").keep(0, "MLOAD")
    test("returned data is copied", slots.code, {CALLEE: account(0, 1, shows.code)})
    slots = Slots().keep(1).do(call("CALL", CALLEE), "POP", 41, 0, 0, "RETURNDATACOPY")
    test("returned data is copied beyond its end", slots.code, {CALLEE: account(0, 1, shows.code)})
    recursion = asm(1, "SLOAD", 1, "ADD", 1, "SSTORE", 0, 0, 0, 0, 0, "ADDRESS", "GAS", "CALL")
    test("calls itself until the gas ends", recursion, gas=hex(10_000_000))
    for gas in (0, 700, 2**63, MAX):
        test(
            f"call with {gas} gas",
            Slots().keep(call("CALL", CALLEE, gas=gas)).code,
            {CALLEE: account(0, 1, asm(1, 1, "SSTORE"))},
        )
    test(
        "static frame sends value",
        Slots().keep(call("STATICCALL", CALLEE)).code,
        {CALLEE: account(9, 1, Slots().keep(call("CALL", EMPTY, value=1)).code)},
    )


def creations():
    runtime = Slots().keep("CALLER").code
    inits = {
        "plain": init_for(runtime),
        "empty": b"",
        "reverts": asm(1, 1, "SSTORE", 0, 0, "REVERT"),
        "halts": asm("INVALID"),
        "starts with 0xEF": init_for(b"\xef\x00"),
        "as large as may be": asm(24576, 0, "RETURN"),
        "too large": asm(24577, 0, "RETURN"),
        "writes": asm("ADDRESS", 1, "SSTORE", "CALLVALUE", 2, "SSTORE"),
        "ends itself": asm(OTHER, "SELFDESTRUCT"),
    }
    for what, init in inits.items():
        for kind in ("CREATE", "CREATE2"):
            salt = [77] if kind == "CREATE2" else []
            slots = (
                Slots()
                .do(in_memory(init))
                .keep(*salt, len(init), 0, 5, kind)
                .keep("RETURNDATASIZE")
                .keep("GAS")
            )
            slots.keep(1, "SLOAD", "EXTCODEHASH").keep(1, "SLOAD", "BALANCE")
            test(f"{kind} {what}", slots.code, gas=hex(9_000_000))
        test(f"creation {what}", to="", input=hexed(init), value="0x5", gas=hex(9_000_000))
    twice = Slots().do(in_memory(inits["plain"]))
    for _ in range(2):
        twice.keep(1, len(inits["plain"]), 0, 0, "CREATE2")
    test("CREATE2 collides", twice.code)
    for size in (49152, 49153):
        test(f"CREATE of {size} bytes", Slots().keep(size, 0, 0, "CREATE").code, gas=hex(9_000_000))
        test(f"creation of {size} bytes", to="", input="0x" + "00" * size, gas=hex(9_000_000))
    test("CREATE without the funds", Slots().keep(0, 0, 2 * ETHER, "CREATE").code)
    test(
        "CREATE at the last nonce",
        Slots().keep(0, 0, 0, "CREATE").code,
        {CODE: account(0, 2**64 - 2, Slots().keep(0, 0, 0, "CREATE").code)},
    )
    test(
        "CREATE in a static frame",
        Slots().keep(call("STATICCALL", CALLEE)).code,
        {CALLEE: account(0, 1, asm(0, 0, 0, "CREATE"))},
    )
    test("creation out of gas for its code", to="", input=hexed(asm(20000, 0, "RETURN")), gas=hex(200_000))


def endings():
    for heir in (EMPTY, OTHER, CODE, SENDER):
        test(f"ends itself for {heir}", asm(heir, "SELFDESTRUCT"))
        slots = Slots().keep(call("CALL", CALLEE)).keep(CALLEE, "BALANCE").keep(heir, "BALANCE")
        test(
            f"callee ends itself for {heir}",
            slots.code,
            {CALLEE: account(7, 1, asm(heir, "SELFDESTRUCT"), {1: 1})},
        )
    programs = {
        "stop": asm(1, 1, "SSTORE", "STOP"),
        "revert": asm(1, 1, "SSTORE", 0, 0, "REVERT"),
        "invalid": asm(1, 1, "SSTORE", "INVALID"),
        "undefined": asm(1, 1, "SSTORE") + b"\x0c",
        "underflow": asm("ADD"),
        "overflow": asm(0) * 1025,
        "full stack": asm(0) * 1024,
        "jump": asm(4, "JUMP", "INVALID", "JUMPDEST", 1, 1, "SSTORE"),
        "jump into data": asm(4, "JUMP") + b"\x60\x5b" + asm("STOP"),
        "jump beyond": asm(MAX, "JUMP"),
        "no jump": asm(0, MAX, "JUMPI", 1, 1, "SSTORE"),
        "conditional": asm(1, 6, "JUMPI", "INVALID", "JUMPDEST", 1, 1, "SSTORE"),
        "truncated push": asm(1, 1, "SSTORE") + b"\x7f\x01",
        "loop": asm("JUMPDEST", 0, "JUMP"),
        "dups": asm(
            *range(1, 17),
            *(f"DUP{n}" for n in range(1, 17)),
            *(x for n in range(1, 17) for x in (n, "SSTORE")),
        ),
        "swaps": asm(
            *range(1, 18),
            *(f"SWAP{n}" for n in range(1, 17)),
            *(x for n in range(1, 17) for x in (n, "SSTORE")),
        ),
        "pushes": b"".join(
            bytes([0x60 + n]) + bytes(range(1, n + 2)) + asm(n + 1, "SSTORE") for n in range(32)
        ),
    }
    for what, code in programs.items():
        test(f"ends: {what}", code)
    test("ends: out of gas", Slots().keep(1).keep(2).code, gas=hex(45_000))


def coordinates(size, *points):
    """The coordinates of curve points, each of `size` bytes; a G2 point's imaginary parts where BN254 has them."""
    parts = []
    for point in points:
        for one in point:
            of_two = hasattr(one, "coeffs")
            some = [int(part) for part in one.coeffs] if of_two else [int(one)]
            parts += reversed(some) if size == 32 else some
    return b"".join(part.to_bytes(size, "big") for part in parts)


def proofs():
    """Inputs that are valid, for the precompiles whose validity takes more than zeros."""
    one = lambda curve, point, times: curve.multiply(point, times)
    g1, g2 = bn128.G1, bn128.G2
    bn_pairing = coordinates(32, one(bn128, g1, 6), g2, bn128.neg(g1), one(bn128, g2, 6))
    bls, h1, h2 = bls12_381, bls12_381.G1, bls12_381.G2
    scalar = (5).to_bytes(32, "big")
    bls_pairing = coordinates(64, one(bls, h1, 6), h2, bls.neg(h1), one(bls, h2, 6))
    infinity = b"\xc0" + bytes(47)
    kzg = b"\x01" + sha256(infinity).digest()[1:] + scalar + bytes(32) + infinity + infinity
    key = ec.derive_private_key(0x45, ec.SECP256R1())
    digest = sha256(b"hello").digest()
    signing = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
    r, s = utils.decode_dss_signature(key.sign(digest, signing))
    public = key.public_key().public_numbers()
    p256 = digest + b"".join(part.to_bytes(32, "big") for part in (r, s, public.x, public.y))
    return {
        6: coordinates(32, g1, one(bn128, g1, 3)),
        7: coordinates(32, g1) + scalar,
        8: bn_pairing,
        10: kzg,
        11: coordinates(64, h1, one(bls, h1, 3)),
        12: coordinates(64, h1) + scalar + coordinates(64, one(bls, h1, 3)) + scalar,
        13: coordinates(64, h2, one(bls, h2, 3)),
        14: coordinates(64, h2) + scalar,
        15: bls_pairing,
        16: bytes(63) + b"\x07",
        17: bytes(63) + b"\x07" + bytes(63) + b"\x09",
        0x100: p256,
    }


def precompiles():
    one = (1).to_bytes(32, "big")
    g1 = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
    order = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
    key = coincurve.PrivateKey(b"\x45" * 32)
    digest = keccak256(b"hello")
    signed = key.sign_recoverable(digest, hasher=None)
    recover = digest + (27 + signed[64]).to_bytes(32, "big") + signed[:64]
    modexp = lambda b, e, m: b"".join(len(x).to_bytes(32, "big") for x in (b, e, m)) + b + e + m
    blake = (12).to_bytes(4, "big") + bytes(range(208)) + b"\x01"
    inputs = {
        1: [b"", recover, recover[:-1], digest + (29).to_bytes(32, "big") + signed[:64], recover + b"more"],
        2: [b"", b"abc", bytes(200)],
        3: [b"", b"abc", bytes(200)],
        4: [b"", b"abc", bytes(200)],
        5: [
            b"",
            modexp(b"\x03", b"\x05", b"\x07"),
            modexp(b"\xff" * 64, b"\xff" * 33, b"\xfd" * 64),
            modexp(b"", b"", b"\x05"),
            modexp(b"\x02" * 1024, b"\x03", b"\x05" * 1024),
            modexp(b"\x02" * 1025, b"\x03", b"\x05"),
            modexp(b"\x02", b"\x03", b"\x00" * 40),
        ],
        6: [b"", g1 + g1, g1, g1 + bytes(64), one + one, bytes(128) + b"x"],
        7: [b"", g1 + (9).to_bytes(32, "big"), g1 + order.to_bytes(32, "big"), one + one + one],
        8: [b"", bytes(192), bytes(191), g1 + bytes(128), one * 6],
        9: [b"", blake, blake[:-1] + b"\x00", blake[:-1] + b"\x02", blake + b"x"],
        10: [b"", bytes(192)],
        11: [b"", bytes(256), bytes(255)],
        12: [b"", bytes(160), bytes(320)],
        13: [b"", bytes(512)],
        14: [b"", bytes(288)],
        15: [b"", bytes(384)],
        16: [b"", bytes(64), bytes(63)],
        17: [b"", bytes(128)],
        0x100: [b"", bytes(160), one * 5, bytes(159)],
    }
    for number, valid in proofs().items():
        spoilt = valid[:-1] + bytes([valid[-1] ^ 1])
        inputs[number] += [valid, spoilt]
    for number, some in inputs.items():
        slots = Slots()
        for data in some:
            slots.do(in_memory(data)).keep(
                call("CALL", number, gas=600_000, data=(0, len(data)), out=(0, 64))
            )
            slots.keep("RETURNDATASIZE").keep(64, 0, "KECCAK256").keep("GAS")
        test(f"precompile {number:#x}", slots.code, gas=hex(16_000_000))
        test(
            f"precompile {number:#x} as the receiver",
            to=hexed(number.to_bytes(20, "big")),
            input=hexed(some[1]),
            value="0x1",
        )
    test("no precompile 0x12", Slots().keep(call("CALL", 0x12)).keep("RETURNDATASIZE").code)


def transactions():
    keys = ["0x" + "00" * 31 + "01", "0x" + "00" * 31 + "02"]
    listed = [
        {"address": CODE, "storageKeys": keys},
        {"address": EMPTY, "storageKeys": []},
        {"address": CODE, "storageKeys": keys[:1]},
    ]
    reads = Slots().keep(2, "SLOAD").keep(EMPTY, "BALANCE").keep("GAS").code
    for kind in ("0x1", "0x2"):
        fee = {"gasPrice": "0x9"} if kind == "0x1" else {}
        test(f"access list, type {kind}", reads, type=kind, accessList=listed, **fee)
    test("plain transfer", to=EMPTY, value="0x1", gas=hex(21_000))
    test("transfer to the coinbase", to=COINBASE, value="0x1", gas=hex(21_000))
    test("transfer to oneself", to=SENDER, value="0x1", gas=hex(21_000))
    for data in ("00" * 1000, "01" * 1000, "0001" * 300):
        test(f"floor of the data {data[:4]} {len(data)}", input="0x" + data, gas=hex(90_000))
    test("floor above the gas limit", input="0x" + "01" * 1000, gas=hex(40_000))
    test("intrinsic gas too low", gas=hex(20_999))
    test("creation's intrinsic gas too low", to="", input="0x00", gas=hex(53_000))
    test("funds too low for the fee", balance=10**6)
    test("funds too low for the value", value=hex(101 * ETHER))
    test("nonce too high", nonce="0x1")
    test("nonce too low", pre={SENDER: account(ETHER, 1)})
    test("fee below the base fee", maxFeePerGas="0x6", maxPriorityFeePerGas="0x0")
    test("tip above the fee", maxFeePerGas="0x10", maxPriorityFeePerGas="0x11")
    test("gas at the cap", gas=hex(2**24))
    test("gas above the cap", gas=hex(2**24 + 1))
    test("sender has code", pre={SENDER: account(ETHER, 0, b"\x00")})
    test("sender has a delegation", pre={SENDER: account(ETHER, 0, bytes.fromhex("ef0100" + CALLEE[2:]))})
    test(
        "receiver is delegated",
        to=OTHER,
        pre={
            OTHER: account(5, 1, bytes.fromhex("ef0100" + CODE[2:])),
            CODE: account(0, 1, Slots().keep("ADDRESS").code),
        },
    )


def delegations():
    shows = (
        Slots()
        .keep("ADDRESS")
        .keep("CALLER")
        .keep("CODESIZE")
        .keep("ADDRESS", "EXTCODESIZE")
        .keep("ADDRESS", "EXTCODEHASH")
        .code
    )
    looks = (
        Slots()
        .keep(OTHER, "EXTCODESIZE")
        .keep(OTHER, "EXTCODEHASH")
        .keep(call("CALL", OTHER))
        .keep("GAS")
        .keep(call("DELEGATECALL", OTHER))
        .code
    )
    pre = {CALLEE: account(0, 1, shows)}
    lists = {
        "one": [authorization(CALLEE)],
        "of any chain": [authorization(CALLEE, chain=0)],
        "of another chain": [authorization(CALLEE, chain=2)],
        "wrong nonce": [authorization(CALLEE, nonce=1)],
        "twice": [authorization(CODE), authorization(CALLEE, nonce=1)],
        "taken back": [authorization(CALLEE), authorization("0x" + "00" * 20, nonce=1)],
        "to a precompile": [authorization("0x" + "00" * 19 + "04")],
        "of the sender": [authorization(CALLEE, nonce=1, key=KEY)],
        "of the sender, wrong nonce": [authorization(CALLEE, nonce=0, key=KEY)],
        "of nobody": [authorization(CALLEE) | {"r": hex(MAX), "s": "0x1"}],
        "to itself": [authorization(OTHER)],
        "to nobody": [authorization(EMPTY)],
    }
    for what, some in lists.items():
        test(f"delegation {what}", looks, pre, type="0x4", authorizationList=some)
    test(
        "delegation of an account with code",
        looks,
        pre | {OTHER: account(0, 0, b"\x00")},
        type="0x4",
        authorizationList=lists["one"],
    )
    test(
        "delegation of an account that is not there",
        looks,
        pre | {OTHER: None},
        type="0x4",
        authorizationList=lists["one"],
    )
    test(
        "delegation in a transaction that reverts",
        asm(0, 0, "REVERT"),
        pre,
        type="0x4",
        authorizationList=lists["one"],
    )
    test(
        "delegation without the gas", looks, pre, type="0x4", authorizationList=lists["one"], gas=hex(45_000)
    )
    test("delegation of none", looks, pre, type="0x4", authorizationList=[])


for part in (
    words,
    surroundings,
    memory,
    storage,
    logs,
    calls,
    creations,
    endings,
    precompiles,
    transactions,
    delegations,
):
    part()
    print(part.__name__, len(TESTS), file=sys.stderr)
head = json.dumps({"source": __doc__.split("\n\n")[1].strip(), "env": ENV}, separators=(",", ":"))
lines = (json.dumps(one, separators=(",", ":")) for one in TESTS)
print(head[:-1] + ',"tests":[\n' + ",\n".join(lines) + "\n]}")

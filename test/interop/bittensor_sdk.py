"""Does with the Bittensor tools (packages bittensor and bittensor-drand) what the interop suite compares with ours.

Usage: bittensor_sdk.py JOB, its input as JSON on standard input. Prints the outcome as JSON. Bytes are hexadecimal.
"""

import json
import sys
import time

import bittensor
import bittensor_core
import bittensor_drand
from bittensor import http_auth
from bittensor.intents.weights import normalize

LIBRARIES = {"bittensor_core": bittensor_core, "bittensor_drand": bittensor_drand}


def quantize(rows):
    """u16 weights of rows of weights, as {uid: u16} without zeros."""
    return [dict(zip(*normalize(list(range(len(row))), row))) for row in rows]


def make_wallets(given):
    """Makes hotkeys of a wallet in every way that the tools have. Returns address and signature by hotkey."""
    def wallet(hotkey):
        return bittensor.Wallet(given["name"], hotkey, path=given["path"])

    seed = "0x" + "37" * 32
    source = bittensor_core.Keypair.create_from_seed(bytes.fromhex(seed[2:]), 1)
    wallet("words-12").create_new_hotkey(n_words=12, suppress=True)
    wallet("words-24").create_new_hotkey(n_words=24, suppress=True)
    wallet("seed").regenerate_hotkey(seed=seed, suppress=True)
    stored = json.loads(bittensor_core.serialized_keypair_to_keyfile_data(source))
    wallet("private-key").regenerate_hotkey(private_key=stored["privateKey"], suppress=True)
    wallet("ed25519").create_new_hotkey(suppress=True, crypto_type=0)
    hotkeys = ["words-12", "words-24", "seed", "private-key"]
    return {hotkey: signed(wallet(hotkey).hotkey, given["message"]) for hotkey in hotkeys}


def signed(keypair, message):
    return {"hotkey": keypair.ss58_address, "signature": bytes(keypair.sign(bytes.fromhex(message))).hex()}


def open_wallets(given):
    """Loads hotkeys of a wallet. Returns of each its address, that of its public file, and a signature."""
    def read(hotkey):
        wallet = bittensor.Wallet(given["name"], hotkey, path=given["path"])
        told = wallet.hotkeypub.ss58_address if wallet.hotkeypub_file.exists_on_device() else None
        return {"told": told, **signed(wallet.hotkey, given["message"])}

    return [read(hotkey) for hotkey in given["hotkeys"]]


def verify(given):
    """Whether the tools take signatures."""
    return [
        bittensor_core.verify(bytes.fromhex(one["message"]), bytes.fromhex(one["signature"]), one["hotkey"], 1)
        for one in given
    ]


def sign_request(given):
    """Headers of a btauth/1 request."""
    wallet = bittensor.Wallet(given["name"], given["hotkey"], path=given["path"])
    return http_auth.sign(
        wallet,
        method=given["method"],
        path=given["target"],
        body=bytes.fromhex(given["body"]),
        receiver_ss58=given["receiver"],
        nonce_ns=int(given["nonce"]),
    )


def verify_requests(given):
    """The sender of each btauth/1 request, or the name of the error that it is refused with."""
    def sender(one):
        try:
            return http_auth.verify(
                one["headers"],
                bytes.fromhex(one["body"]),
                method=one["method"],
                path=one["target"],
                self_hotkey_ss58=one["receiver"],
                now_ns=int(one["nonce"]) + 1_000_000,
                nonce_store=http_auth.InMemoryNonceStore(),
            ).hotkey_ss58
        except http_auth.AuthError as error:
            return type(error).__name__

    return [sender(one) for one in given]


def open_seals(given):
    """Opens timelocks of ours with the signature of their round."""
    def envelope(one):
        data = bytes.fromhex(one)
        return compact(len(data)) + data + given["round"].to_bytes(8, "little")

    return {
        name: [library.decrypt_with_signature(envelope(one), given["signature"]).hex() for one in given["sealed"]]
        for name, library in LIBRARIES.items()
    }


def compact(length):
    assert 64 <= length < 16384
    return (length << 2 | 1).to_bytes(2, "little")


def commit(given):
    """Commits weights by each schedule, as a validator does. Returns rounds and when they were asked for.

    With "moment", blocks take as long as it needs for the last of so many "blocks" to fall on it.
    """
    def one(library, schedule):
        state = {**given["payload"], **schedule, "hotkey": bytes.fromhex(given["payload"]["hotkey"])}
        if "moment" in given:
            state["block_time"] = (given["moment"] - time.time()) / given["blocks"]
        before = time.time()
        sealed, reveal_round = library.get_encrypted_commit_v2(**state)
        return {"commit": sealed.hex(), "round": reveal_round, "before": before, "after": time.time()}

    return {name: [one(library, state) for state in given["schedules"]] for name, library in LIBRARIES.items()}


JOBS = [quantize, make_wallets, open_wallets, verify, sign_request, verify_requests, open_seals, commit]

if __name__ == "__main__":
    job = {known.__name__: known for known in JOBS}[sys.argv[1]]
    print(json.dumps(job(json.load(sys.stdin))))

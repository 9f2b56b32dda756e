"""Reproduces the test vectors of the draw. Written from docs/selection.md alone, with Python's standard library.

Usage: selection.py VECTORS.json. Prints a line per vector that differs; exit code 1 when there is one.
"""

import hashlib
import json
import math
import sys


class Sequence:
    """The random sequence of a seed."""

    def __init__(self, seed):
        self.seed = seed
        self.block = 0
        self.numbers = []

    def next(self):
        if not self.numbers:
            digest = hashlib.sha256(self.seed + self.block.to_bytes(8, "big")).digest()
            self.numbers = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4)]
            self.block += 1
        return self.numbers.pop(0)

    def below(self, n):
        limit = 2**32 - 2**32 % n
        value = self.next()
        while value >= limit:
            value = self.next()
        return value % n


class Urn:
    """Entries to be taken at random, each with the chance of its weight."""

    def __init__(self, entries, weights, sequence):
        self.sequence = sequence
        weight_of = [weights.get(state, 100) for _, state, _ in entries]
        divisor = math.gcd(*weight_of)
        groups = {}
        for entry, weight in zip(entries, weight_of):
            groups.setdefault(weight // divisor, []).append(entry)
        self.groups = [[weight, members, 0] for weight, members in sorted(groups.items())]

    def refill(self):
        for group in self.groups:
            group[2] = 0

    def take(self):
        total = sum(weight * (len(members) - taken) for weight, members, taken in self.groups)
        if total == 0:
            return None
        ticket = self.sequence.below(total)
        for group in self.groups:
            weight, members, taken = group
            owned = weight * (len(members) - taken)
            if ticket < owned:
                place = taken + ticket // weight
                members[taken], members[place] = members[place], members[taken]
                group[2] += 1
                return members[taken]
            ticket -= owned
        raise AssertionError("no group owns the ticket")


def catalogue_of(given):
    if isinstance(given, list):
        return [tuple(row) for row in given]
    states = given["states"]
    return [
        (
            f"{given['first'] + i:05d}",
            states[i % len(states)],
            i * given["multiplier"] % given["modulus"] + given["offset"],
        )
        for i in range(given["count"])
    ]


def is_eligible(entry, rules, number, last_drawn):
    zip_code, state, listings = entry
    if not rules["min_expected_listings"] <= listings <= rules["max_expected_listings"]:
        return False
    if rules["include_states"] and state not in rules["include_states"]:
        return False
    if state in rules["exclude_states"]:
        return False
    return zip_code not in last_drawn or number - last_drawn[zip_code] > rules["cooldown_epochs"]


def search(items, low, high):
    by_size = {}
    for item in items:
        by_size.setdefault(item[2], []).append(item)
    note = [0] * (high + 1)
    top = 0
    for size, members in by_size.items():
        top = min(high, top + size * len(members))
        used = [0] * (high + 1)
        for s in range(size, top + 1):
            rest = s - size
            if note[s] or not (rest == 0 or note[rest]) or used[rest] >= len(members):
                continue
            note[s] = size
            used[s] = used[rest] + 1
            if s >= low:
                return go_back(s, note, by_size)
    return None


def go_back(s, note, by_size):
    left = {size: list(members) for size, members in by_size.items()}
    picked = []
    while s > 0:
        picked.append(left[note[s]].pop(0))
        s -= note[s]
    return picked


def draw(vector, seed):
    rules = vector["rules"]
    spread = rules["target_listings"] * rules["tolerance_bps"] // 10_000
    low, high = rules["target_listings"] - spread, rules["target_listings"] + spread
    eligible = sorted(
        entry
        for entry in catalogue_of(vector["catalogue"])
        if is_eligible(entry, rules, vector["epoch"]["number"], vector["last_drawn"])
    )
    if sum(listings for _, _, listings in eligible) < low:
        return None
    largest = max(listings for _, _, listings in eligible)
    goal = max(low, min(rules["target_listings"], high - largest + 1))
    urn = Urn(eligible, rules["state_weights"], Sequence(seed))
    for attempt in range(1, 1_001):
        taken, total = [], 0
        while total < goal:
            entry = urn.take()
            if entry is None:
                break
            taken.append(entry)
            total += entry[2]
        if low <= total <= high:
            return taken, attempt
        urn.refill()
    items = []
    while (entry := urn.take()) is not None:
        items.append(entry)
    found = search(items, low, high)
    return None if found is None else (found, 1_001)


def derived(purpose, epoch):
    parts = [purpose, epoch["network"], str(epoch["netuid"]), epoch["id"], epoch["block_hash"]]
    return hashlib.sha256("\n".join(parts).encode("ascii")).digest()


def result_of(vector):
    seed = derived("zipnet-draw-v1", vector["epoch"])
    result = draw(vector, seed)
    drawn = None
    if result is not None:
        entries, attempts = result
        drawn = {
            "zip_codes": sorted(zip_code for zip_code, _, _ in entries),
            "expected_listings": sum(listings for _, _, listings in entries),
            "attempts": attempts,
        }
    return {"seed": seed.hex(), "nonce": derived("zipnet-nonce-v1", vector["epoch"])[:16].hex(), "drawn": drawn}


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        vectors = json.load(file)
    differences = []
    for vector in vectors["random_sequence"]:
        sequence = Sequence(vector["seed"].encode("ascii"))
        if [sequence.below(vector["bound"]) for _ in vector["numbers"]] != vector["numbers"]:
            differences.append(f"the sequence of \"{vector['seed']}\" below {vector['bound']} differs")
    for vector in vectors["draws"]:
        expected = {key: vector[key] for key in ("seed", "nonce", "drawn")}
        result = result_of(vector)
        differences += [f"{vector['name']}: {key} differs" for key in expected if result[key] != expected[key]]
    print("\n".join([*differences, f"{len(vectors['draws'])} draws, {len(differences)} differences"]))
    return 1 if differences else 0


sys.exit(main())

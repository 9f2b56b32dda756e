import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keyring } from "@polkadot/keyring";
import { encodeAddress, sr25519Verify } from "@polkadot/util-crypto";
import { loadSigner, readyCrypto, signerFromHotkeyFile, signerFromUri, verifySr25519 } from "./wallet.js";

const ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const ALICE_SEED = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
const PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
const PHRASE_ADDRESS = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";

describe("wallet", () => {
  let dir = "";
  before(async () => {
    await readyCrypto();
    dir = await mkdtemp(join(tmpdir(), "zipnet-wallet-"));
  });
  after(() => rm(dir, { recursive: true }));

  it("makes the well-known development keys", () => {
    assert.equal(signerFromUri("//Alice").hotkey, ALICE);
  });

  it("loads hotkey files with a seed or a phrase", async () => {
    const path = join(dir, "hotkey");
    await writeFile(path, JSON.stringify({ secretSeed: ALICE_SEED, ss58Address: ALICE, accountId: "0x" }));
    assert.equal((await loadSigner(path)).hotkey, ALICE);
    const phrase = JSON.stringify({ secretPhrase: PHRASE, ss58Address: PHRASE_ADDRESS });
    assert.equal(signerFromHotkeyFile(phrase, "x").hotkey, PHRASE_ADDRESS);
  });

  it("says what is wrong with a file and nothing of its secrets", async () => {
    const other = JSON.stringify({ secretSeed: ALICE_SEED, ss58Address: PHRASE_ADDRESS });
    assert.throws(() => signerFromHotkeyFile(other, "x"), new RegExp(`says that it is ${PHRASE_ADDRESS}`));
    assert.throws(
      () => signerFromHotkeyFile(`{"secretPhrase":"${PHRASE}"`, "x"),
      (error: Error) => {
        assert.match(error.message, /wallet file x is not JSON/);
        assert.ok(!error.message.includes("bottom"));
        return true;
      },
    );
    assert.throws(() => signerFromHotkeyFile(JSON.stringify({ ss58Address: ALICE }), "x"), /neither/);
    await assert.rejects(loadSigner(join(dir, "none")), /cannot be read: ENOENT/);
  });

  it("has secrets of its own for every purpose, the same ones each time", () => {
    const secret = signerFromUri("//Alice").secretFor("one");
    assert.equal(secret.length, 32);
    assert.deepEqual(signerFromUri(ALICE_SEED).secretFor("one"), secret, "the same key, however it was given");
    assert.notDeepEqual(signerFromUri("//Alice").secretFor("two"), secret);
    assert.notDeepEqual(signerFromUri("//Bob").secretFor("one"), secret);
    const [soft, again] = [signerFromUri("//Alice/soft"), signerFromUri("//Alice/soft")];
    assert.deepEqual(soft.secretFor("one"), again.secretFor("one"), "also where part of the key's secret is random");
  });

  it("signs what util-crypto verifies, and the other way round", () => {
    const bytes = new TextEncoder().encode("a record");
    const pair = new Keyring({ type: "sr25519" }).addFromUri("//Alice");
    assert.ok(sr25519Verify(bytes, signerFromUri("//Alice").sign(bytes), pair.publicKey));
    assert.ok(verifySr25519(bytes, pair.sign(bytes), ALICE));
  });

  it("verifies its signatures and nothing else", () => {
    const bytes = new TextEncoder().encode("a record");
    const signature = signerFromUri("//Alice").sign(bytes);
    assert.ok(verifySr25519(bytes, signature, ALICE));
    assert.ok(!verifySr25519(new TextEncoder().encode("a recorf"), signature, ALICE));
    assert.ok(!verifySr25519(bytes, signature, signerFromUri("//Bob").hotkey));
    assert.ok(!verifySr25519(bytes, signature.slice(1), ALICE));
    assert.ok(!verifySr25519(bytes, new Uint8Array(64), ALICE));
    assert.ok(!verifySr25519(bytes, signature, "nobody"));
    assert.ok(!verifySr25519(bytes, signature, encodeAddress(ALICE, 0)), "another address prefix");
  });
});

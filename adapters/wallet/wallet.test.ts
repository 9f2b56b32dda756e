import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { Keyring } from "@polkadot/keyring";
import { encodeAddress, sr25519Verify } from "@polkadot/util-crypto";
import { readHotkeyFile } from "./hotkey-file.js";
import { makeHotkey } from "./new-hotkey.js";
import { walletPlaceOf } from "./wallet-place.js";
import { loadSigner, loadWallet, readyCrypto, signerFromUri, verifySr25519 } from "./wallet.js";

const ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const ALICE_SEED = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";

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

  it("is found by its name, by a path, or made of a word", () => {
    const place = (wallet: string): object => walletPlaceOf({ wallet, walletsPath: "~/wallets" });
    const path = join(homedir(), "wallets/me/hotkeys/miner-1");
    assert.deepEqual(place("me/miner-1"), { kind: "wallet", name: "me/miner-1", path });
    assert.deepEqual(place("//Alice"), { kind: "development", uri: "//Alice" });
    for (const file of ["/etc/zipnet/hotkey", "./me/miner", "hotkey.json", "../me/miner", "a/b/c"]) {
      assert.deepEqual(place(file), { kind: "file", path: file });
    }
    assert.deepEqual(place("~/hotkey"), { kind: "file", path: join(homedir(), "hotkey") });
    assert.throws(() => place("/root/.bittensor/wallets/me/coldkey"), /is a coldkey/);
  });

  it("is loaded from the folder of wallets and from any file", async () => {
    const folder = join(dir, "loaded", "hotkeys");
    await mkdir(folder, { recursive: true });
    const path = join(folder, "first");
    await writeFile(path, JSON.stringify({ secretSeed: ALICE_SEED, ss58Address: ALICE }), { mode: 0o600 });
    for (const wallet of ["loaded/first", path]) {
      const loaded = await loadWallet({ wallet, walletsPath: dir });
      assert.deepEqual([loaded.wallet.hotkey, loaded.form, loaded.warnings], [ALICE, "seed", []]);
    }
  });

  it("warns of a file that others can read", async () => {
    const path = join(dir, "open");
    await writeFile(path, ALICE_SEED);
    await chmod(path, 0o640);
    const warnings: string[] = [];
    await loadSigner({ wallet: path, walletsPath: dir }, (warning) => warnings.push(warning));
    assert.deepEqual(warnings, [
      `the wallet file ${path} is open to other users of this machine (mode 640): chmod 600 ${path}`,
    ]);
  });

  it("says what there is where a hotkey is not", async () => {
    await makeHotkey(dir, { name: "few", hotkey: "one" }, 12);
    const load = (wallet: string): Promise<unknown> => loadSigner({ wallet, walletsPath: dir });
    await assert.rejects(load("few/two"), /cannot be read: ENOENT; the wallet few has the hotkeys one$/);
    await assert.rejects(load("none/one"), /there is no wallet none with hotkeys: make one with `zipnet wallet new`/);
    await assert.rejects(load(dir), /cannot be read: EISDIR$/);
  });

  it("is made in a file that is read back, for its owner alone", async () => {
    const made = await makeHotkey(dir, { name: "made", hotkey: "one" }, 24);
    assert.equal(made.mnemonic.split(" ").length, 24);
    const loaded = await loadWallet({ wallet: "made/one", walletsPath: dir });
    assert.deepEqual([loaded.wallet.hotkey, loaded.statesAddress, loaded.warnings], [made.hotkey, true, []]);
    assert.deepEqual((await readdir(join(dir, "made/hotkeys"))).toSorted(), ["one", "onepub.txt"]);
    assert.equal((await stat(join(dir, "made"))).mode & 0o777, 0o700);
    const fields = JSON.parse(await readFile(made.path, "utf8")) as Record<string, string>;
    for (const secret of ["secretPhrase", "secretSeed", "privateKey"]) {
      const one = JSON.stringify({ [secret]: fields[secret], ss58Address: made.hotkey });
      assert.equal(readHotkeyFile(one, "x").wallet.hotkey, made.hotkey, `each secret alone is the key: ${secret}`);
    }
    const told = JSON.parse(await readFile(`${made.path}pub.txt`, "utf8")) as object;
    assert.deepEqual(Object.keys(told).toSorted(), ["accountId", "cryptoType", "publicKey", "ss58Address"]);
  });

  it("is never made over another", async () => {
    const named = { name: "kept", hotkey: "one" };
    const made = await Promise.allSettled([makeHotkey(dir, named, 12), makeHotkey(dir, named, 12)]);
    const [first] = made.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(makeHotkey(dir, named, 12), /is there already/);
    assert.equal((await loadSigner({ wallet: "kept/one", walletsPath: dir })).hotkey, first?.hotkey);
    await writeFile(join(dir, "kept/hotkeys/awaypub.txt"), "{}");
    await assert.rejects(makeHotkey(dir, { name: "kept", hotkey: "away" }, 12), /awaypub\.txt is there already/);
    assert.ok(!(await readdir(join(dir, "kept/hotkeys"))).includes("away"));
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

/**
 * Hotkeys and what they sign, between ours and the Bittensor tools in Python.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeHotkey } from "../../adapters/wallet/new-hotkey.js";
import { loadSigner, readyCrypto, signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { Signer } from "../../core/ports.js";
import { askSdk, hex, missingSdk, unhex } from "./bittensor-sdk.js";

interface Signed {
  readonly hotkey: string;
  readonly signature: string;
}

const MESSAGE = new TextEncoder().encode("a message for both sides");

(missingSdk === undefined ? describe : describe.skip)(
  `wallets of the Bittensor tools${missingSdk === undefined ? "" : ` (${missingSdk})`}`,
  () => {
    let dir = "";
    before(async () => {
      await readyCrypto();
      dir = await mkdtemp(join(tmpdir(), "zipnet-wallets-"));
    });
    after(() => rm(dir, { recursive: true }));

    it("load here, and sign what the tools take", async () => {
      const given = { path: dir, name: "theirs", message: hex(MESSAGE) };
      const theirs = Object.entries(await askSdk<Record<string, Signed>>("make_wallets", given));
      assert.equal(theirs.length, 4);
      const signatures: object[] = [];
      for (const [hotkey, signed] of theirs) {
        const signer = await loadSigner({ wallet: `theirs/${hotkey}`, walletsPath: dir });
        assert.equal(signer.hotkey, signed.hotkey, hotkey);
        assert.ok(verifySr25519(MESSAGE, unhex(signed.signature), signer.hotkey), hotkey);
        signatures.push({ hotkey: signer.hotkey, message: hex(MESSAGE), signature: hex(signer.sign(MESSAGE)) });
      }
      assert.deepEqual(await askSdk("verify", signatures), [true, true, true, true]);
      await assert.rejects(loadSigner({ wallet: "theirs/ed25519", walletsPath: dir }), /cryptoType 0, ed25519/);
    });

    it("are made here, too, and load there by any of their secrets", async () => {
      const made = await makeHotkey(dir, { name: "ours", hotkey: "whole" }, 12);
      const fields = JSON.parse(await readFile(made.path, "utf8")) as Record<string, string>;
      const hotkeys = ["whole", "secretPhrase", "secretSeed", "privateKey"];
      for (const secret of hotkeys.slice(1)) {
        const one = { [secret]: fields[secret], ss58Address: made.hotkey };
        await writeFile(join(dir, "ours/hotkeys", secret), JSON.stringify(one));
      }
      const given = { path: dir, name: "ours", hotkeys, message: hex(MESSAGE) };
      for (const [index, read] of (
        await askSdk<(Signed & { told: string | null })[]>("open_wallets", given)
      ).entries()) {
        assert.equal(read.hotkey, made.hotkey, hotkeys[index]);
        assert.equal(read.told, index === 0 ? made.hotkey : null);
        assert.ok(verifySr25519(MESSAGE, unhex(read.signature), made.hotkey), hotkeys[index]);
      }
    });
  },
);

/** A request in the form btauth/1 of the tools. */
interface HttpRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly body: Uint8Array;
  readonly receiver: string;
  /** Unix nanoseconds. */
  readonly nonce: string;
}

function signedText({ method, target, body, receiver, nonce }: HttpRequest, sender: string): Uint8Array {
  const bodySha256 = createHash("sha256").update(body).digest("hex");
  const lines = ["btauth/1", "sr25519", method, target, bodySha256, nonce, sender, receiver];
  return new TextEncoder().encode(lines.join("\n"));
}

function headersOf(request: HttpRequest, signer: Signer): Record<string, string> {
  return {
    "X-Bittensor-Version": "1",
    "X-Bittensor-Hotkey": signer.hotkey,
    "X-Bittensor-Receiver": request.receiver,
    "X-Bittensor-Nonce": request.nonce,
    "X-Bittensor-Signature": `0x${hex(signer.sign(signedText(request, signer.hotkey)))}`,
  };
}

(missingSdk === undefined ? describe : describe.skip)(
  `btauth/1 requests${missingSdk === undefined ? "" : ` (${missingSdk})`}`,
  () => {
    let dir = "";
    before(async () => {
      await readyCrypto();
      dir = await mkdtemp(join(tmpdir(), "zipnet-btauth-"));
    });
    after(() => rm(dir, { recursive: true }));

    const request: HttpRequest = {
      method: "POST",
      target: "/zipnet.v1.EpochService/GetEpoch?connect=v1&encoding=json",
      body: new TextEncoder().encode('{"includeDecoded":true}'),
      receiver: "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
      nonce: "1795435200123456789",
    };

    it("that our keys sign are taken by the tools, and refused when anything in them is altered", async () => {
      const signer = signerFromUri("//Alice");
      const headers = headersOf(request, signer);
      const wire = { ...request, body: hex(request.body), headers };
      const altered = { ...wire, body: hex(new TextEncoder().encode('{"includeDecoded":false}')) };
      const elsewhere = { ...wire, receiver: signer.hotkey };
      const outcomes = await askSdk("verify_requests", [wire, altered, elsewhere, { ...wire, target: "/other" }]);
      assert.deepEqual(outcomes, [signer.hotkey, "BadSignature", "WrongReceiver", "BadSignature"]);
    });

    it("of the tools are signed by the key that we know, over the text that we make", async () => {
      const { hotkey } = await makeHotkey(dir, { name: "me", hotkey: "caller" }, 12);
      const given = { path: dir, name: "me", ...request, body: hex(request.body) };
      const headers = await askSdk<Record<string, string>>("sign_request", { ...given, hotkey: "caller" });
      const { "X-Bittensor-Signature": signature = "", ...others } = headers;
      assert.deepEqual(others, {
        "X-Bittensor-Version": "1",
        "X-Bittensor-Hotkey": hotkey,
        "X-Bittensor-Receiver": request.receiver,
        "X-Bittensor-Nonce": request.nonce,
      });
      assert.ok(verifySr25519(signedText(request, hotkey), unhex(signature.slice(2)), hotkey));
      assert.ok(!verifySr25519(signedText({ ...request, target: "/" }, hotkey), unhex(signature.slice(2)), hotkey));
    });
  },
);

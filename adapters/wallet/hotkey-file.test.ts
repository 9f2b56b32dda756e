import assert from "node:assert/strict";
import { hexToU8a, u8aToHex } from "@polkadot/util";
import { Keyring } from "@polkadot/keyring";
import { readHotkeyFile } from "./hotkey-file.js";
import { pairOfSeed, privateKeyOf, signerFromUri } from "./keys.js";
import { readyCrypto, verifySr25519 } from "./wallet.js";

const PHRASE = "empty fault card regular ecology latin metal flame cook destroy select series";
const SEED = "0x7fc6d96a0970ee1d4d65107debd09269a8fa65a9322d5b97eba441725a20246e";
/** As the package bittensor 11.3.0 wrote it for this phrase. */
const PRIVATE_KEY =
  "0xfd0d9d97c6f44fc18640060c0f304dfab3c4d87cd0b24aa2e578dadbfeb3dd0e" +
  "5184b64d24a772816d19f85f18cdc42d986146488bf0961a1c64de47a40d9a7e";
const PUBLIC_KEY = "0x3661ffc5a3af27612a6f802d0df00b388bbb0232fb8ddc8b3f7a45abddaf7f4d";
const ADDRESS = "5DJ1Z8SBpJsAyXz1mJoKzTUNgqB4CYzAvr2FSZZEVYdNvTap";
const ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

const stated = { accountId: PUBLIC_KEY, publicKey: PUBLIC_KEY, ss58Address: ADDRESS };
const json = (fields: object): string => JSON.stringify(fields);

describe("hotkey files", () => {
  before(readyCrypto);

  const forms: readonly [what: string, content: string, form: string, statesAddress: boolean][] = [
    [
      "every field",
      json({ ...stated, secretPhrase: PHRASE, secretSeed: SEED, privateKey: PRIVATE_KEY, cryptoType: 1 }),
      "mnemonic",
      true,
    ],
    ["a mnemonic", json({ secretPhrase: PHRASE, ss58Address: ADDRESS }), "mnemonic", true],
    ["a seed", json({ secretSeed: SEED, ss58Address: ADDRESS }), "seed", true],
    ["a seed without 0x", json({ secretSeed: SEED.slice(2), ss58Address: ADDRESS }), "seed", true],
    ["a private key", json({ privateKey: PRIVATE_KEY, ss58Address: ADDRESS }), "private key", true],
    ["null for what is missing", json({ ...stated, secretPhrase: null, secretSeed: SEED }), "seed", true],
    ["its address under a name with a blank", json({ secretSeed: SEED, " ss58Address": ADDRESS }), "seed", true],
    ["its public key only", json({ privateKey: PRIVATE_KEY, publicKey: PUBLIC_KEY }), "private key", true],
    ["no address at all", json({ privateKey: PRIVATE_KEY }), "private key", false],
    ["the kind of key as text", json({ secretSeed: SEED, ss58Address: ADDRESS, cryptoType: "1" }), "seed", true],
    ["a bare mnemonic", `${PHRASE}\n`, "mnemonic", false],
    ["a bare seed", SEED, "seed", false],
    ["a bare seed without 0x", ` ${SEED.slice(2)}\n`, "seed", false],
    ["a bare private key", PRIVATE_KEY, "private key", false],
  ];
  for (const [what, content, form, statesAddress] of forms) {
    it(`are read with ${what}`, () => {
      const read = readHotkeyFile(content, "x");
      assert.deepEqual([read.wallet.hotkey, read.form, read.statesAddress], [ADDRESS, form, statesAddress]);
      const bytes = Uint8Array.of(1, 2, 3);
      assert.ok(verifySr25519(bytes, read.wallet.sign(bytes), ADDRESS), "what it signs is the hotkey's");
      assert.deepEqual(
        read.wallet.secretFor("one"),
        signerFromUri(SEED).secretFor("one"),
        "it is one and the same key",
      );
    });
  }

  it("hold the private key that the Bittensor tools write", () => {
    assert.equal(u8aToHex(privateKeyOf(pairOfSeed(hexToU8a(SEED)))), PRIVATE_KEY);
  });

  const ed25519 = (secret: string): string =>
    new Keyring({ type: "ed25519", ss58Format: 42 }).addFromUri(secret).address;
  const again = /btcli wallet regen-hotkey.*zipnet wallet new/;
  const refused: readonly [what: string, content: () => string, ...says: RegExp[]][] = [
    ["NaCl encryption", () => "$NACL\u0001\u0002", /file x is encrypted \(NaCl\)/, again],
    ["Ansible Vault encryption", () => "$ANSIBLE_VAULT;1.1;AES256\n6132", /is encrypted \(Ansible Vault\)/, again],
    ["Fernet encryption", () => "gAAAAABk", /is encrypted \(Fernet\)/, again],
    ["an export of polkadot.js", () => json({ encoded: "a", encoding: {}, address: ALICE }), /polkadot\.js/, again],
    [
      "a key that is said to be ed25519",
      () => json({ secretSeed: SEED, cryptoType: 0 }),
      /cryptoType 0, ed25519/,
      again,
    ],
    ["a key of an unknown kind", () => json({ secretSeed: SEED, cryptoType: 7 }), /cryptoType 7\)/, again],
    [
      "an ed25519 key that does not say so",
      () => json({ secretSeed: SEED, ss58Address: ed25519(SEED) }),
      /holds an ed25519 key/,
      again,
    ],
    [
      "an ed25519 mnemonic",
      () => json({ secretPhrase: PHRASE, ss58Address: ed25519(PHRASE) }),
      /holds an ed25519 key/,
      again,
    ],
    [
      "another's address",
      () => json({ secretSeed: SEED, ss58Address: ALICE }),
      new RegExp(`says that it is ${ALICE}, but its secret makes ${ADDRESS}`),
    ],
    [
      "another's address beside a private key",
      () => json({ privateKey: PRIVATE_KEY, ss58Address: ALICE }),
      new RegExp(`its secret makes ${ADDRESS}`),
    ],
    ["no secret", () => json(stated), /holds no secret.*pub\.txt/],
    ["a mnemonic with a wrong word", () => json({ secretPhrase: PHRASE.replace("empty", "emtpy") }), /no mnemonic/],
    ["a bare mnemonic whose last word does not fit", () => PHRASE.replace("series", "zoo"), /no mnemonic/],
    ["a seed that is too short", () => json({ secretSeed: "0x12" }), /secretSeed that is not 32 bytes/],
    ["a private key that is too large", () => json({ privateKey: `0x${"ff".repeat(64)}` }), /no sr25519 private key/],
    ["half of a file", () => json({ secretPhrase: PHRASE }).slice(0, -1), /no hotkey file/],
    ["a field of another type", () => json({ secretSeed: 1 }), /no hotkey file/],
    ["nothing", () => "", /no hotkey file/],
  ];
  for (const [what, content, ...says] of refused) {
    it(`are refused with ${what}`, () => {
      assert.throws(
        () => readHotkeyFile(content(), "x"),
        (error: Error) => {
          for (const sentence of says) assert.match(error.message, sentence);
          assert.doesNotMatch(String(error.stack), /fault card|7fc6d96a/, "nothing of the secret");
          assert.equal(error.cause, undefined);
          return true;
        },
      );
    });
  }
});

import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { type ManualClock, manualClock } from "../adapters/clock/manual-clock.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { buildEpoch } from "../core/build-epoch.js";
import { epochIdOf } from "../core/epoch-time.js";
import { sealRecord } from "../core/signed-record.js";
import { type Epoch, EpochSchema, type Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { recordedEpochs } from "../rpc/epoch-log/recorded-epochs.js";
import { quietLog } from "../test/support/quiet-log.js";
import { storedCatalogues } from "./calibration/catalogues.js";
import { FIRST_EPOCH, LENGTH_SECONDS, evenCatalogue, mapStore, tenZipCodes } from "./keeper/world.test-support.js";
import { type OutlookParts, assertDrawable, watchOutlook } from "./outlook.js";

const DAY_MS = 86_400_000;
const SHA = "ab".repeat(32);
const idOf = (number: number): string => epochIdOf(number * LENGTH_SECONDS * 1000);

interface Told {
  readonly event: string;
  readonly epoch_id?: string;
  readonly is_proven?: boolean;
  readonly remedies?: readonly string[];
}

/** A server's parts after some epochs with its rules, and what it logs. */
async function deployed(catalogueSize: number, rules: Rules, recorded: number) {
  await readyCrypto();
  const clock: ManualClock = manualClock((FIRST_EPOCH + recorded) * LENGTH_SECONDS * 1000 - 40_000);
  const signer = signerFromUri("//Server");
  const trust = { signer: signer.hotkey, verify: verifySr25519 };
  const objects = mapStore();
  const timing = { epochLengthSeconds: LENGTH_SECONDS, keptEpochs: 10 };
  const epochs = recordedEpochs({ objects, cache: memoryCache(clock), ...timing, clock, trust, log: quietLog });
  const catalogue = evenCatalogue(catalogueSize);
  const catalogues = storedCatalogues({ objects, signer, verify: trust.verify, ...timing, configured: catalogue });
  const recentEpochs: Epoch[] = [];
  for (let number = FIRST_EPOCH; number < FIRST_EPOCH + recorded; number += 1) {
    const timeMs = number * LENGTH_SECONDS * 1000;
    const built = buildEpoch({
      number,
      ...timing,
      network: "local",
      netuid: 1,
      catalogue: catalogue.catalogue,
      catalogueSha256: catalogue.sha256,
      rules,
      seedBlock: { number, hash: SHA, parentHash: SHA, timeMs },
      recentEpochs,
    });
    assert.ok(built.ok);
    recentEpochs.push(built.epoch);
    await epochs.recordEpoch(sealRecord(EpochSchema, built.epoch, signer));
  }
  const told: Told[] = [];
  const keep = (facts: object): void => void told.push(facts as Told);
  const log = { ...quietLog, info: keep, warn: keep, error: keep };
  const calibration = { calibrateEveryEpochs: 0, resultCapListings: 1_000 };
  const deployment = { network: "local", netuid: 1, ...timing, rules, settleMs: 5_000, firstEpoch: 0, ...calibration };
  const parts: OutlookParts = { catalogue, catalogues, clock, deployment, epochs, log };
  const withRules = (changed: Partial<Rules>): OutlookParts => ({
    ...parts,
    deployment: { ...deployment, rules: { ...rules, ...changed } },
  });
  return { parts, told, clock, withRules };
}

describe("the server's outlook", () => {
  it("lets a server start whose draws are proven to land for ever", async () => {
    const { parts, told } = await deployed(60, tenZipCodes(), 2);
    await assertDrawable(parts);
    assert.deepEqual(
      told.map(({ event, is_proven: isProven }) => [event, isProven]),
      [["outlook", true]],
    );
  });

  it("refuses to start with rules by which the first epoch has no draw, and says what would do", async () => {
    const { withRules, told } = await deployed(60, tenZipCodes(), 2);
    await assert.rejects(
      assertDrawable(withRules({ targetListings: 9_000 })),
      new RegExp(
        `of the next 20 draws 20 cannot land, epoch ${idOf(FIRST_EPOCH + 2)} first: .*So that all of them land: lower target_listings to at most`,
      ),
    );
    assert.deepEqual(told, []);
    const empty = await deployed(5, tenZipCodes(), 0);
    await assert.rejects(assertDrawable(empty.parts), /lower target_listings to at most/);
  });

  it("warns, with the date and what would do, of draws that cannot land later", async () => {
    const { withRules, told } = await deployed(60, tenZipCodes(), 0);
    await assertDrawable(withRules({ cooldownEpochs: 9 }));
    const [warning] = told;
    assert.equal(warning?.event, "draws_endangered");
    assert.equal(warning?.epoch_id, idOf(FIRST_EPOCH - 1 + 6));
    assert.ok(warning?.remedies?.includes("lower cooldown_epochs to at most 4"));
  });

  it("never keeps a server from starting again as it was", async () => {
    const { parts, told, withRules } = await deployed(25, tenZipCodes({ cooldownEpochs: 9 }), 2);
    await assertDrawable(parts);
    assert.deepEqual(
      told.map(({ event, epoch_id: epochId }) => [event, epochId]),
      [["draws_endangered", idOf(FIRST_EPOCH + 2)]],
    );
    await assert.rejects(assertDrawable(withRules({ cooldownEpochs: 8 })), /cannot land/);
  });

  it("warns again every day", async () => {
    const { parts, told, clock } = await deployed(25, tenZipCodes({ cooldownEpochs: 9 }), 2);
    const abort = new AbortController();
    const watching = watchOutlook(parts, abort.signal);
    for (const days of [1, 2]) {
      await clock.advanceTo(clock.now() + DAY_MS);
      while (told.length < days) await nextTurn();
      assert.equal(told[days - 1]?.event, "draws_endangered");
    }
    abort.abort(new Error("the test is over"));
    await watching;
  });
});

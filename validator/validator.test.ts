import assert from "node:assert/strict";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { systemClock } from "../adapters/clock/system-clock.js";
import { openFolderObjects } from "../adapters/objects/folder/folder-objects.js";
import { memoryState } from "../adapters/state/memory-state.js";
import { SettingsError } from "../adapters/settings/settings.js";
import { fetchTransfer } from "../adapters/transfer/fetch-transfer.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLOSE_MS, START_MS } from "../core/judging/examples.test-support.js";
import type { Chain, Log } from "../core/ports.js";
import { openRecord, payloadSha256 } from "../core/signed-record.js";
import { EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { ReportSchema } from "../gen/zipnet/v1/report_pb.js";
import { ServiceKind } from "../gen/zipnet/v1/server_info_service_pb.js";
import { downloadCatalogue } from "../rpc/catalogues/download.js";
import { NO_PROXIES } from "../rpc/serving/caller-address.js";
import { createClients } from "../rpc/client/client.js";
import { fromConnectError } from "../rpc/errors.js";
import { LIMITS } from "../rpc/kit.test-support.js";
import { quietLog } from "../test/support/quiet-log.js";
import { configOf, readValidatorSettings } from "./config.js";
import type { ValidatorConfig, ValidatorParts } from "./parts.js";
import {
  CATALOGUE,
  EPOCH_ID,
  LENGTH_MS,
  NETUID,
  NETWORK,
  type ScriptedEpoch,
  epochRules,
  honestListings,
  judgeOptions,
  scriptEpoch,
  scriptedMetagraph,
  scriptedServer,
  sealEpoch,
} from "./scripted-epoch.test-support.js";
import { runValidator } from "./validator.js";

const RELAY: ValidatorConfig["relay"] = {
  host: "127.0.0.1",
  port: 0,
  publicUrl: undefined,
  axon: undefined,
  minValidatorStakeRao: 0n,
  metagraphMaxAgeMs: 60_000,
  limits: { ...LIMITS, maxClockDifferenceMs: 30_000 },
  trusted: NO_PROXIES,
  bookmarkIntervalMs: 15_000,
  drainWindowMs: 0,
  stallTimeoutMs: 60_000,
  keptEpochs: 42,
};

/** A log in which a test waits for events. */
function eventLog(): Log & { event(name: string): Promise<Record<string, unknown>> } {
  const heard: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  return {
    ...quietLog,
    info(facts) {
      heard.push(facts as Record<string, unknown>);
      for (const wake of waiting) wake();
    },
    event: (name) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = heard.find((facts) => facts["event"] === name);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

describe("runValidator", () => {
  let scripted: ScriptedEpoch;
  let dir: string;
  before(async () => {
    await readyCrypto();
    dir = await mkdtemp(join(tmpdir(), "zipnet-validator-"));
    scripted = scriptEpoch([{ uri: "//Miner", minute: 20, listings: honestListings }]);
  });
  after(() => rm(dir, { recursive: true }));

  /** The epoch opens, the next one opens, the first one closes. The judge's clock stands at the first one's close. */
  async function start(log: Log, server = scriptedServer(scripted), state = memoryState()) {
    const controller = new AbortController();
    const validator = signerFromUri("//Validator");
    const metagraph = scriptedMetagraph([scripted.server.hotkey, validator.hotkey, signerFromUri("//Miner").hotkey]);
    // Its blocks are in the second epoch after: the judging period is over.
    const later = { ...metagraph.block, timeMs: CLOSE_MS + LENGTH_MS };
    const chain: Chain = {
      finalizedBlock: () => Promise.resolve(later),
      block: () => Promise.resolve(undefined),
      async *watchFinalized(signal) {
        for (let number = 1_000; !signal.aborted; number += 1) {
          yield { ...later, number };
          await systemClock.sleepUntil(systemClock.now() + 5, signal);
        }
      },
      metagraph: () => Promise.resolve(metagraph),
      setWeights: () => Promise.resolve({ blockNumber: 1_001 }),
      serveAxon: () => Promise.reject(new Error("no address is expected")),
    };
    const { parts } = await judgeOptions(scripted, { log, server, chain });
    const judgeClock = { ...systemClock, now: () => systemClock.now() };
    const offsetMs = CLOSE_MS + 5_000 - systemClock.now();
    judgeClock.now = () => systemClock.now() + offsetMs;
    judgeClock.sleepUntil = (timeMs, signal) => systemClock.sleepUntil(timeMs - offsetMs, signal);
    const next = sealEpoch(scripted.server, epochRules(), START_MS + LENGTH_MS);
    const all: ValidatorParts = {
      ...parts,
      clock: judgeClock,
      state,
      relayObjects: await openFolderObjects({
        dir: join(dir, String(Math.abs(offsetMs))),
        publicUrl: "",
        clock: judgeClock,
      }),
      relayCache: memoryCache(judgeClock),
      async follow({ onEvent, tokens }, signal) {
        for (const record of [scripted.epochRecord, next]) {
          await onEvent({
            kind: "epoch",
            record,
            epoch: openRecord(EpochSchema, record, verifySr25519, scripted.server.hotkey),
          });
        }
        const snapshotSha256 = payloadSha256(scripted.snapshotRecord);
        const closed = { epochId: EPOCH_ID, epochNumber: START_MS / LENGTH_MS, snapshotSha256, receiptCount: 1 };
        await onEvent({ kind: "closed", closed: closed as never });
        await tokens.save(new Uint8Array([1]));
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      },
    };
    const config = {
      network: NETWORK,
      netuid: NETUID,
      serverHotkey: scripted.server.hotkey,
      concurrency: 2,
      cacheBytes: 1_000_000_000,
      relay: RELAY,
    };
    const running = runValidator(all, config, controller.signal);
    const stop = async (): Promise<void> => {
      controller.abort();
      await running;
    };
    return { stop, clock: judgeClock, validator, state, server, running };
  }

  it("follows, judges, publishes and sets weights, and passes the records on over a real socket", async () => {
    const log = eventLog();
    const { stop, clock, validator, server } = await start(log);
    try {
      const { url } = await log.event("listening");
      await log.event("report_published");
      const weights = await log.event("weights_set");
      assert.deepEqual([weights["epoch_id"], weights["weights"]], [EPOCH_ID, [{ uid: 2, weight_u16: 65_535 }]]);
      const [published] = server.published;
      assert(published !== undefined);
      openRecord(ReportSchema, published, verifySr25519, validator.hotkey);

      const miner = signerFromUri("//Miner");
      const clients = createClients(
        { url: String(url), hotkey: validator.hotkey },
        { signer: miner, network: NETWORK, netuid: NETUID, clock },
      );
      try {
        const info = await clients.info.getServerInfo({});
        assert.equal(info.kind, ServiceKind.RELAY);
        assert.equal(info.recordSigner, scripted.server.hotkey);
        assert.equal(info.limits?.maxStreamsPerHotkey, LIMITS.maxStreamsPerHotkey);
        assert.deepEqual([info.sessionKey.length, info.usage?.address], [32, "127.0.0.1"]);
        const { record } = await clients.epochs.getEpoch({ epochId: EPOCH_ID });
        assert(record !== undefined);
        const epoch = openRecord(EpochSchema, record, verifySr25519, scripted.server.hotkey);
        assert.equal(epoch.startTime === undefined ? 0 : timestampMs(epoch.startTime), START_MS);
        const seen: string[] = [];
        const watching = new AbortController();
        for await (const { event } of clients.epochs.watchEpochs({}, { signal: watching.signal })) {
          seen.push(event.case ?? "");
          if (event.case === "caughtUp") break;
        }
        assert.deepEqual(seen, ["started", "epoch", "epoch", "closed", "caughtUp"]);
        await log.event("catalogue_kept");
        const never = new AbortController().signal;
        const { bytes } = await downloadCatalogue(fetchTransfer(), [String(url)], epoch.catalogueSha256, never);
        assert.deepEqual(bytes, CATALOGUE.bytes);
        await assert.rejects(
          clients.judging
            .getSnapshot({ epochId: EPOCH_ID })
            .catch((error: unknown) => Promise.reject(fromConnectError(error))),
          { reason: "UNAVAILABLE" },
        );
      } finally {
        clients.close();
      }
    } finally {
      await stop();
    }
  });

  it("neither judges nor publishes again after a restart, but sets the weights", async () => {
    const state = memoryState();
    const first = eventLog();
    const before = await start(first, undefined, state);
    await first.event("report_published");
    await before.stop();
    await state.remove("weights/");
    const again = eventLog();
    const after = await start(again, undefined, state);
    await again.event("weights_set");
    await after.stop();
    assert.equal(after.server.published.length, 0);
  });

  it("does not begin with a server of another subnet", async () => {
    const server = {
      ...scriptedServer(scripted),
      info: async () => ({ ...(await scriptedServer(scripted).info(new AbortController().signal)), netuid: 9 }),
    };
    const { running } = await start(eventLog(), server);
    await assert.rejects(running, /the server is for local\/9, .* but the configuration is for local\/1/);
  });
});

describe("readValidatorSettings", () => {
  it("names all mistakes at once", () => {
    assert.throws(
      () =>
        readValidatorSettings({
          ZIPNET_SERVER_URL: "nowhere",
          ZIPNET_WALLET: "//V",
          ZIPNET_STATE_DIR: "x",
          ZIPNET_SOURCE_URL: "http://127.0.0.1:1",
          ZIPNET_CHAIN: "finney",
        }),
      (error) => error instanceof SettingsError && error.problems.length === 3,
    );
  });

  it("asks for a contact when the site is somebody else's", () => {
    const raw = {
      ZIPNET_SERVER_URL: "http://127.0.0.1:1",
      ZIPNET_SERVER_HOTKEY: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
      ZIPNET_WALLET: "//V",
      ZIPNET_STATE_DIR: "x",
    };
    assert.throws(() => readValidatorSettings({ ...raw, ZIPNET_SOURCE_URL: "https://homes.example" }), /CONTACT/);
    assert.equal(readValidatorSettings({ ...raw, ZIPNET_SOURCE_URL: "http://127.0.0.1:8" }).requestIntervalMs, 500);
  });

  it("announces the relay at the address that it is told, or at a public one that is cleartext and names an IP", () => {
    const raw = {
      ZIPNET_SERVER_URL: "http://127.0.0.1:1,http://127.0.0.1:2",
      ZIPNET_SERVER_HOTKEY: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
      ZIPNET_WALLET: "//V",
      ZIPNET_STATE_DIR: "x",
      ZIPNET_SOURCE_URL: "http://127.0.0.1:8",
    };
    assert.deepEqual(readValidatorSettings(raw).serverUrl, ["http://127.0.0.1:1", "http://127.0.0.1:2"]);
    const axon = (more: Record<string, string>) => configOf(readValidatorSettings({ ...raw, ...more })).relay.axon;
    assert.equal(axon({}), undefined);
    assert.deepEqual(axon({ ZIPNET_PUBLIC_URL: "http://203.0.113.7:8451" }), { ip: "203.0.113.7", port: 8451 });
    assert.deepEqual(axon({ ZIPNET_PUBLIC_URL: "http://[2001:DB8::7]" }), { ip: "2001:db8::7", port: 80 });
    assert.equal(axon({ ZIPNET_PUBLIC_URL: "https://203.0.113.7" }), undefined);
    assert.equal(axon({ ZIPNET_PUBLIC_URL: "http://relay.example" }), undefined);
    const told = { ZIPNET_PUBLIC_URL: "https://relay.example", ZIPNET_RELAY_AXON_IP: "2001:0db8::0007" };
    assert.deepEqual(axon(told), { ip: "2001:db8::7", port: undefined });
    assert.deepEqual(axon({ ...told, ZIPNET_RELAY_AXON_PORT: "9000" }), { ip: "2001:db8::7", port: 9000 });
    assert.throws(() => axon({ ZIPNET_RELAY_AXON_IP: "relay.example" }), /ZIPNET_RELAY_AXON_IP .*IPv4 or IPv6/);
    assert.throws(() => axon({ ZIPNET_RELAY_AXON_PORT: "0" }), /ZIPNET_RELAY_AXON_PORT .*1 to 65535/);
  });
});

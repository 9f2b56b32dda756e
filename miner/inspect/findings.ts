/**
 * Whether a miner can work: everything that can be wrong before an epoch, one finding after the other.
 */
import { createHash } from "node:crypto";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import type { Clock, LocalState, Transfer, VerifySignature } from "../../core/ports.js";
import { checkSource } from "../../core/source-check.js";
import { openRecord } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { ManifestObjectSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { fromConnectError } from "../../rpc/errors.js";
import type { MinerParts } from "../miner.js";
import { serverCalls } from "../server-calls.js";
import { reasonOf } from "../work/failures.js";
import { create } from "@bufbuild/protobuf";

/** What one look found. */
export interface Finding {
  /** What was looked at, in one or two words. */
  readonly what: string;
  /** Whether a miner can work with it. What could not be looked at is skipped. */
  readonly verdict: "ok" | "warning" | "problem" | "skipped";
  /** One sentence for a person: what is there, or what is wrong and what to do. */
  readonly text: string;
}

/** What the looks need. */
export interface FindingParts {
  readonly clients: Pick<Clients, "info" | "epochs" | "submissions">;
  readonly clock: Clock;
  readonly state: LocalState;
  readonly transfer: Transfer;
  readonly verify: VerifySignature;
  /** Makes the state folder this miner's. Rejects when it is another's. */
  readonly claim: () => Promise<void>;
  /** Bytes that the state folder's disk has left. */
  readonly freeBytes: () => Promise<number>;
  /** Finds the browser and makes the source. */
  readonly openSource: () => Promise<{ readonly source: MinerParts["source"]; close(): Promise<void> }>;
}

/** Whose findings. */
export interface FindingSettings {
  readonly network: string;
  readonly netuid: number;
  readonly hotkey: string;
  readonly serverHotkey: string;
}

/** Zip codes of the epoch that are tried until one has results. */
const SOURCE_ZIP_CODES = 5;
const MEGABYTE = 1_000_000;
/** An epoch takes some 20 MB of files and pages, and two are kept. */
const LEAST_FREE_BYTES = 200 * MEGABYTE;
const GOOD_FREE_BYTES = 1_000 * MEGABYTE;
/** A difference of clocks that is worth a word. */
const NOTABLE_CLOCK_DIFFERENCE_MS = 2_000;

type Found = Omit<Finding, "what">;
const ok = (text: string): Found => ({ verdict: "ok", text });
const warning = (text: string): Found => ({ verdict: "warning", text });
const problem = (text: string): Found => ({ verdict: "problem", text });
const skipped = (text: string): Found => ({ verdict: "skipped", text });

/** Looks at everything, in the order in which a miner needs it. Ends early only with the signal's reason. */
export async function* findings(
  parts: FindingParts,
  settings: FindingSettings,
  signal: AbortSignal,
): AsyncIterable<Finding> {
  const look = async (what: string, find: () => Promise<Found>): Promise<Finding> => {
    try {
      return { what, ...(await find()) };
    } catch (error) {
      signal.throwIfAborted();
      return { what, ...problem(reasonOf(error instanceof ZipnetError ? error : fromCall(error))) };
    }
  };
  let epoch: Epoch | undefined;
  yield await look("state folder", () => stateFolder(parts));
  yield await look("server", () => server(parts, settings, signal));
  yield await look("clock", () => clocks(parts, signal));
  yield await look("registration", async () => {
    const { record } = await parts.clients.epochs.getEpoch({ epochId: "" }, { signal });
    if (record !== undefined) epoch = openRecord(EpochSchema, record, parts.verify, settings.serverHotkey);
    return ok(`${settings.hotkey} may call the server`);
  });
  yield await look("epoch", () => Promise.resolve(runningEpoch(parts, epoch)));
  yield await look("source", () => source(parts, epoch, signal));
  yield await look("upload", () => upload(parts, epoch, signal));
}

/** Errors of calls say what was meant; others stay as they are. */
function fromCall(error: unknown): unknown {
  return error instanceof Error && error.name === "ConnectError" ? fromConnectError(error) : error;
}

async function stateFolder({ state, claim, freeBytes }: FindingParts): Promise<Found> {
  await claim();
  const probe = new TextEncoder().encode("probe");
  await state.write("probe.txt", probe);
  const read = await state.read("probe.txt");
  await state.remove("probe.txt");
  if (read?.join() !== probe.join()) return problem("it does not give back what is written to it");
  const free = await freeBytes();
  const told = `${Math.floor(free / MEGABYTE)} MB are free on its disk`;
  if (free < LEAST_FREE_BYTES) return problem(`${told}, which does not do for an epoch; make room`);
  return free < GOOD_FREE_BYTES ? warning(`${told}, which is little; make room`) : ok(`writable, ${told}`);
}

async function server({ clients }: FindingParts, settings: FindingSettings, signal: AbortSignal): Promise<Found> {
  const info = await clients.info.getServerInfo({}, { signal });
  const is = `${info.network}/${info.netuid}, records signed by ${info.recordSigner}`;
  const must = `${settings.network}/${settings.netuid}, records signed by ${settings.serverHotkey}`;
  return is === must ? ok(`zipnet ${info.softwareVersion} for ${is}`) : problem(`it is for ${is}, not for ${must}`);
}

async function clocks({ clients, clock }: FindingParts, signal: AbortSignal): Promise<Found> {
  const sentMs = clock.now();
  const { serverTime, limits } = await clients.info.getServerInfo({}, { signal });
  const differenceMs = Math.round(millisOf(serverTime) - (sentMs + clock.now()) / 2);
  const distanceMs = Math.abs(differenceMs);
  const told = `this machine's clock is ${distanceMs} ms ${differenceMs > 0 ? "behind" : "ahead of"} the server's`;
  const mostMs = limits?.maxClockDifferenceMs ?? Infinity;
  if (distanceMs >= mostMs) return problem(`${told}, and ${mostMs} ms are allowed; run a time service`);
  return distanceMs > NOTABLE_CLOCK_DIFFERENCE_MS ? warning(`${told}; run a time service`) : ok(told);
}

function runningEpoch({ clock }: FindingParts, epoch: Epoch | undefined): Found {
  if (epoch === undefined) return skipped("the server could not be asked");
  const leftMs = millisOf(epoch.closeTime) - clock.now();
  if (leftMs <= 0) return warning(`the newest one, ${epoch.id}, is over; the server draws none`);
  const told = `${epoch.zipCodes.length} zip codes with ${epoch.expectedListings} expected listings`;
  return ok(`${epoch.id}: ${told}, open for ${Math.ceil(leftMs / 60_000)} minutes more`);
}

/** A few pages of the source, held against what its adapter expects. */
async function source({ openSource }: FindingParts, epoch: Epoch | undefined, signal: AbortSignal): Promise<Found> {
  const opened = await openSource();
  try {
    const zipCodes = (epoch?.zipCodes ?? []).slice(0, SOURCE_ZIP_CODES).map(({ zipCode }) => zipCode);
    if (zipCodes.length === 0) return skipped("it opens; without an epoch no zip code is known to look for");
    const { verdict, findings: found } = await checkSource(
      opened.source((pages) => pages),
      zipCodes,
      signal,
    );
    const told = found.join("; ");
    if (verdict === "empty") return warning(told);
    return verdict === "ok" ? ok(told) : problem(told);
  } finally {
    await opened.close();
  }
}

/** Asks for leave to upload one content and sends another of the same length, so that nothing is stored. */
async function upload(parts: FindingParts, epoch: Epoch | undefined, signal: AbortSignal): Promise<Found> {
  const zipCode = epoch?.zipCodes[0]?.zipCode;
  if (epoch === undefined || zipCode === undefined) return skipped("there is no epoch to upload for");
  if (parts.clock.now() >= millisOf(epoch.closeTime)) return skipped("the newest epoch is over");
  const [granted, sent] = ["granted", "another"].map((text) => new TextEncoder().encode(text));
  if (granted === undefined || sent === undefined) return skipped("");
  const object = create(ManifestObjectSchema, {
    zipCode,
    sizeBytes: granted.length,
    md5: createHash("md5").update(granted).digest("hex"),
    sha256: sha256Hex(granted),
  });
  try {
    const grant = await serverCalls(parts.clients.submissions).grant(epoch.id, object, signal);
    const { status } = await parts.transfer.put(grant.url, grant.headers, sent, signal);
    const told = `the store answers status ${status} to another content than was granted`;
    return status >= 400 && status < 500 ? ok(`${told}, as it must`) : problem(`${told}; tell the subnet's owner`);
  } catch (error) {
    if (!(error instanceof ZipnetError) || error.reason !== "ALREADY_FINALIZED") throw error;
    return skipped("this epoch's submission is finalized already");
  }
}

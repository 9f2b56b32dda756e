/**
 * Who takes part in the demo, and with which settings. Pure: the same input gives the same network.
 */
import { join } from "node:path";

/** A program to start. */
export interface ProgramSpec {
  /** Name for people; also the name of its log file. */
  readonly name: string;
  /** The zipnet command that it is. */
  readonly command: "chain" | "site" | "server" | "validator" | "miner";
  /** Its settings, as environment variables. */
  readonly settings: Readonly<Record<string, string>>;
}

/** How a miner of the demo behaves. */
export interface MinerPart {
  readonly name: string;
  /** What makes it different, for the people who watch. */
  readonly role: string;
  /** Whether it collects what it submits. */
  readonly honest: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

/** The five miners. */
export const MINERS: readonly MinerPart[] = [
  { name: "swift", role: "honest, quick", honest: true, settings: { ZIPNET_REQUEST_INTERVAL_MS: "50" } },
  {
    name: "steady",
    role: "honest, slower",
    honest: true,
    // The second transport works as the first does; this miner and a validator show it.
    settings: { ZIPNET_REQUEST_INTERVAL_MS: "350", ZIPNET_TRANSPORT: "grpc-js" },
  },
  { name: "patient", role: "honest, slowest", honest: true, settings: { ZIPNET_REQUEST_INTERVAL_MS: "700" } },
  {
    name: "partial",
    role: "honest, half the zip codes",
    honest: true,
    settings: { ZIPNET_REQUEST_INTERVAL_MS: "350", ZIPNET_COVER_PERCENT: "50" },
  },
  { name: "inventor", role: "makes listings up", honest: false, settings: { ZIPNET_SOURCE: "invented" } },
];

/** The two validators. */
export const VALIDATORS: readonly string[] = ["validator-1", "validator-2"];

/** Wallet setting of a participant: a development key by its name. */
export function walletOf(name: string): string {
  return `//zipnet-demo/${name}`;
}

/** What the network is built on. */
export interface NetworkPlan {
  /** Folder for everything that the programs keep. */
  readonly dir: string;
  /** The chain's address; undefined where the demo brings one. */
  readonly chain: string | undefined;
  /** Length of an epoch. */
  readonly epochLengthSeconds: number;
  /** First epoch that the server draws. */
  readonly firstEpochId: string;
  /** Listings that an epoch's zip codes shall expect together. */
  readonly targetListings: number;
  /** Listings that are scraped again per checked miner. */
  readonly spotCheckListings: number;
  /** Loopback ports, one per program that listens. */
  readonly ports: Readonly<Record<"chain" | "site" | "server" | "validator-1" | "validator-2", number>>;
  /** CSV of homes for the site, or undefined for generated homes. */
  readonly homes: string | undefined;
  /** "memory" or a redis:// address. */
  readonly cache: string;
  /** "folder:<dir>" or an s3:// address. */
  readonly objects: string;
  /** Catalogue file for the server. */
  readonly catalogue: string;
  /** Hotkeys of the owner, who runs the server. */
  readonly ownerHotkey: string;
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

/** The chain as the programs' setting names it. */
export function chainOf({ chain, ports }: Pick<NetworkPlan, "chain" | "ports">): string {
  return chain ?? `local:${urlOf(ports.chain)}`;
}

/** The local chain: quick blocks and a short tempo, so that weights lead to incentive while one watches. */
export function chainSpec(plan: Pick<NetworkPlan, "dir" | "ports" | "ownerHotkey">): ProgramSpec {
  return {
    name: "chain",
    command: "chain",
    settings: {
      ZIPNET_LISTEN_PORT: String(plan.ports.chain),
      ZIPNET_DATA_DIR: join(plan.dir, "chain"),
      ZIPNET_OWNER_HOTKEY: plan.ownerHotkey,
      ZIPNET_BLOCK_TIME_MS: "500",
      ZIPNET_FINALITY_LAG: "1",
      ZIPNET_TEMPO: "16",
      ZIPNET_WEIGHTS_RATE_LIMIT: "4",
      ZIPNET_LOG_FORMAT: "json",
    },
  };
}

/** The listing site. Generated homes change quickly, so that the judging meets honest changes. */
export function siteSpec(plan: Pick<NetworkPlan, "ports" | "homes">): ProgramSpec {
  return {
    name: "site",
    command: "site",
    settings: {
      ZIPNET_LISTEN_PORT: String(plan.ports.site),
      ZIPNET_LATENCY_MS: "20",
      ...(plan.homes === undefined ? { ZIPNET_CHURN_PER_HOUR_BPS: "4000" } : { ZIPNET_HOMES: plan.homes }),
      ZIPNET_LOG_FORMAT: "json",
    },
  };
}

function common(plan: NetworkPlan, wallet: string): Record<string, string> {
  return {
    ZIPNET_NETWORK: "local",
    ZIPNET_NETUID: "1",
    ZIPNET_WALLET: wallet,
    ZIPNET_CHAIN: chainOf(plan),
    ZIPNET_LOG_FORMAT: "json",
  };
}

/** The subnet owner's server. */
export function serverSpec(plan: NetworkPlan): ProgramSpec {
  return {
    name: "server",
    command: "server",
    settings: {
      ...common(plan, walletOf("owner")),
      ZIPNET_LISTEN_PORT: String(plan.ports.server),
      ZIPNET_PUBLIC_URL: urlOf(plan.ports.server),
      ZIPNET_OBJECTS: plan.objects,
      ZIPNET_CACHE: plan.cache,
      ZIPNET_CATALOGUE: plan.catalogue,
      ZIPNET_EPOCH_LENGTH_SECONDS: String(plan.epochLengthSeconds),
      ZIPNET_FIRST_EPOCH: plan.firstEpochId,
      ZIPNET_TARGET_LISTINGS: String(plan.targetListings),
      ZIPNET_COOLDOWN_EPOCHS: "3",
      ZIPNET_SPOT_CHECK_LISTINGS: String(plan.spotCheckListings),
      ZIPNET_SETTLE_MS: "1000",
      ZIPNET_MAX_CALLS_PER_MINUTE: "2000",
    },
  };
}

function clientOf(plan: NetworkPlan, name: string, serverHotkey: string): Record<string, string> {
  return {
    ...common(plan, walletOf(name)),
    ZIPNET_SERVER_URL: urlOf(plan.ports.server),
    ZIPNET_SERVER_HOTKEY: serverHotkey,
    ZIPNET_SOURCE_URL: urlOf(plan.ports.site),
    ZIPNET_STATE_DIR: join(plan.dir, name),
  };
}

/** A validator. */
export function validatorSpec(plan: NetworkPlan, name: "validator-1" | "validator-2"): ProgramSpec {
  return {
    name,
    command: "validator",
    settings: {
      ...clientOf(plan, name, plan.ownerHotkey),
      ZIPNET_LISTEN_PORT: String(plan.ports[name]),
      ZIPNET_PUBLIC_URL: urlOf(plan.ports[name]),
      ZIPNET_REQUEST_INTERVAL_MS: "50",
      ZIPNET_TRANSPORT: name === "validator-2" ? "grpc-js" : "connect",
    },
  };
}

/** A miner. */
export function minerSpec(plan: NetworkPlan, miner: MinerPart): ProgramSpec {
  return {
    name: miner.name,
    command: "miner",
    settings: { ...clientOf(plan, miner.name, plan.ownerHotkey), ...miner.settings },
  };
}

/**
 * A deployment for one miner: chain, site and server as programs of their own, an epoch that is open now, and a front
 * before the site that notes what is asked of it.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type Server, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { generatedHomes } from "../../adapters/source/site/generated-homes.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { type NetworkPlan, chainSpec, minerSpec, serverSpec, siteSpec } from "../../cli/demo/network.js";
import type { ProgramEvent } from "../../cli/demo/processes.js";
import { freePorts } from "../../cli/demo/processes.js";
import { RunningNetwork } from "../../cli/demo/running-network.js";
import { prepareChain } from "../../cli/demo/demo-chain.js";
import { demoKeys, keyOf, layGround, writeSiteCatalogue } from "../../cli/demo/setup.js";
import { epochIdOf, epochNumberAt, epochStartMs } from "../../core/epoch-time.js";
import { openEpochLengthSeconds } from "../../test/e2e/testbed.js";

const PROGRAMS = fileURLToPath(new URL("../../dist/cli/zipnet.js", import.meta.url));
/** Registered miners; each can submit once. */
export const MINERS = ["swift", "steady", "patient"] as const;

/** What may be chosen. */
export interface DeploymentOptions {
  /** Listings that the epoch's zip codes expect together. */
  readonly listings: number;
  /** Zip codes that the miner scrapes at the same time, and pages that it reads. */
  readonly concurrency: number;
  /** What it reads with; by default a browser. */
  readonly reader?: "browser" | "http";
  /** Homes of each of the site's zip codes; by default some 100. */
  readonly homesPerZipCode?: number;
  /** An s3:// address; without it a folder. */
  readonly objects?: string;
}

/** The deployment, running. */
export class Deployment implements AsyncDisposable {
  readonly events: ProgramEvent[] = [];
  /** Pages that were asked of the site, oldest first. */
  readonly asked: string[] = [];
  #miner: string = MINERS[0];
  #wake = (): void => undefined;
  #lost: string | undefined;

  private constructor(
    readonly dir: string,
    readonly plan: NetworkPlan,
    private readonly options: DeploymentOptions,
    private readonly front: { readonly server: Server; readonly url: string },
    private readonly network: RunningNetwork,
  ) {}

  /** Starts all but the miner. */
  static async open(options: DeploymentOptions): Promise<Deployment> {
    if (!existsSync(PROGRAMS)) throw new Error("the programs are not built: npm run build");
    await readyCrypto();
    const dir = await mkdtemp(join(tmpdir(), "zipnet-bench-miner-"));
    const keys = demoKeys();
    const ground = await layGround(dir);
    const epochLengthSeconds = openEpochLengthSeconds(systemClock.now());
    const plan: NetworkPlan = {
      ...ground,
      homes: undefined,
      ownerHotkey: keyOf(keys, "owner").hotkey,
      epochLengthSeconds,
      firstEpochId: epochIdOf(epochStartMs(epochNumberAt(systemClock.now(), epochLengthSeconds), epochLengthSeconds)),
      targetListings: options.listings,
      spotCheckListings: 8,
      cache: "memory",
      objects: options.objects ?? `folder:${join(dir, "objects")}`,
    };
    const heard: { told: (event: ProgramEvent) => void; lost: (how: string) => void } = { told() {}, lost() {} };
    const network = new RunningNetwork(dir, (event) => heard.told(event), (how) => heard.lost(how)); // prettier-ignore
    const asked = (path: string): void => void deployment.asked.push(path);
    const front = await openFront(plan.ports.site, asked);
    const deployment = new Deployment(dir, plan, options, front, network);
    heard.told = (event) => deployment.#note(event);
    heard.lost = (how) => deployment.#fail(how);
    try {
      const site = siteSpec(plan);
      const homes = options.homesPerZipCode;
      const steady = {
        ...site,
        settings: {
          ...site.settings,
          ZIPNET_CHURN_PER_HOUR_BPS: "0",
          ...(homes !== undefined && { ZIPNET_CROWDED_ZIP_CODES: crowded(homes) }),
        },
      };
      await Promise.all([network.start(chainSpec(plan)), network.start(steady)]);
      await prepareChain(plan, keys, new AbortController().signal);
      await writeSiteCatalogue(deployment.siteUrl, plan.catalogue);
      const server = serverSpec(plan);
      const mostExpected = { ZIPNET_MAX_EXPECTED_LISTINGS: String(Math.max(800, homes ?? 0)) };
      await network.start({ ...server, settings: { ...server.settings, ...mostExpected } });
    } catch (error) {
      await deployment[Symbol.asyncDispose]();
      throw error;
    }
    return deployment;
  }

  /** The site itself, without the front. */
  get siteUrl(): string {
    return `http://127.0.0.1:${this.plan.ports.site}`;
  }

  /** The site as the miner sees it. */
  get frontUrl(): string {
    return this.front.url;
  }

  /** Starts a miner; the others must have ended. */
  startMiner(name: string = MINERS[0], more: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#miner = name;
    const settings = {
      ZIPNET_SOURCE_URL: this.front.url,
      ZIPNET_REQUEST_INTERVAL_MS: "0",
      ZIPNET_CONCURRENCY: String(this.options.concurrency),
      ZIPNET_READER: this.options.reader ?? "browser",
      ...more,
    };
    return this.network.start(minerSpec(this.plan, { name, role: "", honest: true, settings }));
  }

  killMiner(): Promise<void> {
    return this.network.killHard(this.#miner);
  }

  /** Resolves with the newest event of the miner that was started last that fits, once there is one. */
  async until(fits: (event: ProgramEvent) => boolean): Promise<ProgramEvent> {
    for (;;) {
      if (this.#lost !== undefined) throw new Error(this.#lost);
      const found = this.events.findLast((event) => event.program === this.#miner && fits(event));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
    this.front.server.closeAllConnections();
    this.front.server.close();
    await rm(this.dir, { recursive: true });
  }

  #note(event: ProgramEvent): void {
    this.events.push(event);
    this.#wake();
  }

  #fail(how: string): void {
    this.#lost = how;
    this.#wake();
  }
}

/** The site's zip codes, with so many homes each. */
function crowded(homes: number): string {
  const zipCodes = generatedHomes({ seed: "", churnPerHourBps: 0 }).zipCodes();
  return zipCodes.map((zipCode) => `${zipCode}=${homes}`).join(",");
}

/** Passes every request on to the site and tells the pages that are asked for. */
async function openFront(sitePort: number, asked: (path: string) => void): Promise<{ server: Server; url: string }> {
  const [port = 0] = await freePorts(1);
  const server = createServer((incoming, outgoing) => {
    const { url: path = "/", method, headers } = incoming;
    if (path.startsWith("/homes/")) asked(path);
    const passed = request({ host: "127.0.0.1", port: sitePort, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${port}` };
}

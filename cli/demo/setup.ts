/**
 * What must be in place before the network's programs can start: folder, ports, keys, registrations, catalogue.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromJson } from "@bufbuild/protobuf";
import { signerFromUri } from "../../adapters/wallet/wallet.js";
import { encodeCatalogue } from "../../core/catalogue.js";
import type { Signer } from "../../core/ports.js";
import { CatalogueSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { MINERS, type NetworkPlan, VALIDATORS, walletOf } from "./network.js";
import { freePorts } from "./processes.js";

/** The participants' keys by name. The signature code must be ready. */
export function demoKeys(): ReadonlyMap<string, Signer> {
  const names = ["owner", ...VALIDATORS, ...MINERS.map(({ name }) => name)];
  return new Map(names.map((name) => [name, signerFromUri(walletOf(name))]));
}

/** The key of a participant. */
export function keyOf(keys: ReadonlyMap<string, Signer>, name: string): Signer {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`nobody in the demo is called ${name}`);
  return key;
}

/** Everything of a plan that is known before the first program runs. */
export async function layGround(dir: string): Promise<Pick<NetworkPlan, "dir" | "chain" | "ports" | "catalogue">> {
  await mkdir(dir, { recursive: true });
  const [chain, site, server, first, second] = (await freePorts(5)) as [number, number, number, number, number];
  const ports = { chain, site, server, "validator-1": first, "validator-2": second };
  return { dir, chain: undefined, ports, catalogue: join(dir, "catalogue.bin") };
}

/** Writes the catalogue of the zip codes that the site has homes for. */
export async function writeSiteCatalogue(siteUrl: string, path: string): Promise<void> {
  const response = await fetch(`${siteUrl}/truth/catalogue.json`);
  const { entries } = fromJson(CatalogueSchema, (await response.json()) as Parameters<typeof fromJson>[1]);
  await writeFile(path, encodeCatalogue(entries).bytes);
}

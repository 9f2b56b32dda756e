/**
 * What a version of the chain's runtime says of itself: storage, calls, errors. Everything is found by name, so that a
 * runtime may move, add and drop things.
 */
import { Metadata, TypeRegistry, expandMetadata } from "@polkadot/types";
import { compactFromU8a, compactStripLength, hexToU8a, u8aToHex } from "@polkadot/util";

/** Place of a value in the chain's storage, for example "subtensorModule.tempo". */
export type StorageItem = `${string}.${string}`;

/** A runtime API, for example "SubnetInfoRuntimeApi_get_metagraph". */
export type ApiName = `${string}_${string}`;

/** A version of the runtime. */
export interface Runtime {
  readonly specVersion: number;
  readonly transactionVersion: number;
  readonly registry: TypeRegistry;
  hasStorage(item: StorageItem): boolean;
  /** Storage key, hexadecimal. Throws an Error where the runtime has no such item. */
  storageKey(item: StorageItem, ...args: readonly unknown[]): string;
  /** A value as JSON; for null the item's default, or null for an item that has none. Throws an Error for bytes that are none. */
  decodeStorage(item: StorageItem, value: string | null): unknown;
  hasApi(name: ApiName): boolean;
  /** The answer of a runtime API as JSON. */
  decodeAnswer(name: ApiName, answer: string): unknown;
  /** A call of the pallet, hexadecimal; undefined where the runtime has no such call. */
  call(section: string, method: string, ...args: readonly unknown[]): string | undefined;
  /** Name of an error of a pallet. */
  errorName(pallet: number, error: number): string;
  /** Pallet and position of a call, for example timestamp and set. */
  callIndex(section: string, method: string): Uint8Array | undefined;
}

/** Versions of a runtime, as state_getRuntimeVersion tells them. */
interface Versions {
  readonly specVersion: number;
  readonly transactionVersion: number;
}

/** The newest version of the metadata that can be read here, and the oldest that knows runtime APIs. */
const METADATA_VERSIONS = { newest: 16, oldest: 15 };

/** The best of the metadata versions that a runtime offers. Throws an Error where none can be read. */
export function metadataVersionOf(offered: string): number {
  const versions = new TypeRegistry().createTypeUnsafe("Vec<u32>", [hexToU8a(offered)]).toJSON() as number[];
  const best = Math.max(...versions.filter((version) => version <= METADATA_VERSIONS.newest));
  if (best >= METADATA_VERSIONS.oldest) return best;
  throw new Error(`the chain's runtime offers metadata ${versions.join(", ")}, but this program reads 15 and 16`);
}

/** Reads the answer of Metadata_metadata_at_version. Throws an Error for a runtime that asks for more than can be signed. */
export function openRuntime(answer: string, { specVersion, transactionVersion }: Versions): Runtime {
  const option = hexToU8a(answer);
  if (option[0] !== 1) throw new Error("the chain's runtime has no metadata of the version that it offered");
  const [offset] = compactFromU8a(option.subarray(1));
  const registry = new TypeRegistry();
  const metadata = new Metadata(registry, u8aToHex(option.subarray(1 + offset)));
  registry.setLookup(metadata.asLatest.lookup);
  registry.setMetadata(metadata, undefined, plainExtensions(registry, metadata));
  const { query, tx } = expandMetadata(registry, metadata);

  const entryOf = (item: StorageItem) => {
    const [section = "", method = ""] = item.split(".");
    return query[section]?.[method];
  };
  const knownEntry = (item: StorageItem) => {
    const entry = entryOf(item);
    if (entry === undefined) throw new Error(`runtime ${specVersion} of the chain has no storage ${item}`);
    return entry;
  };
  const outputOf = (name: ApiName) => {
    const split = name.indexOf("_");
    const api = metadata.asLatest.apis.find((candidate) => candidate.name.toString() === name.slice(0, split));
    return api?.methods.find((method) => method.name.toString() === name.slice(split + 1))?.output;
  };
  return {
    specVersion,
    transactionVersion,
    registry,
    hasStorage: (item) => entryOf(item) !== undefined,
    storageKey: (item, ...args) => u8aToHex(compactStripLength(knownEntry(item)(...args))[1]),
    decodeStorage(item, value) {
      const { type, fallback, modifier } = knownEntry(item).meta;
      if (value === null && modifier.isOptional) return null;
      const bytes = value === null ? fallback.toU8a(true) : hexToU8a(value);
      const name = registry.createLookupType(type.isMap ? type.asMap.value : type.asPlain);
      return registry.createTypeUnsafe(name, [bytes]).toJSON();
    },
    hasApi: (name) => outputOf(name) !== undefined,
    decodeAnswer(name, value) {
      const output = outputOf(name);
      if (output === undefined) throw new Error(`runtime ${specVersion} of the chain has no API ${name}`);
      return registry.createTypeUnsafe(registry.createLookupType(output), [hexToU8a(value)]).toJSON();
    },
    call: (section, method, ...args) => tx[section]?.[method]?.(...args).toHex(),
    errorName(pallet, error) {
      try {
        return registry.findMetaError(new Uint8Array([pallet, error])).name;
      } catch {
        return `error ${error} of pallet ${pallet}`;
      }
    },
    callIndex: (section, method) => tx[section]?.[method]?.callIndex,
  };
}

/** Signing covers what each extension adds. The chain's own ones add nothing; those that add something must be known. */
function plainExtensions(registry: TypeRegistry, metadata: Metadata) {
  const known = new Set(KNOWN_EXTENSIONS);
  const own = metadata.asLatest.extrinsic.transactionExtensions.filter(
    ({ identifier }) => !known.has(identifier.toString()),
  );
  for (const { identifier, type, implicit } of own) {
    for (const part of [type, implicit]) {
      if (registry.createTypeUnsafe(registry.createLookupType(part), []).encodedLength === 0) continue;
      throw new Error(
        `the chain asks for the transaction extension ${identifier.toString()}, which this program cannot sign`,
      );
    }
  }
  return Object.fromEntries(own.map(({ identifier }) => [identifier.toString(), { extrinsic: {}, payload: {} }]));
}

/** Extensions of Substrate that the signing knows. */
const KNOWN_EXTENSIONS = [
  "CheckNonZeroSender",
  "CheckSpecVersion",
  "CheckTxVersion",
  "CheckGenesis",
  "CheckMortality",
  "CheckNonce",
  "CheckWeight",
  "ChargeTransactionPayment",
  "CheckMetadataHash",
];

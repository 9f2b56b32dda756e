/**
 * What the chain's published metadata says: names, types and encodings.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Metadata, TypeRegistry, expandMetadata } from "@polkadot/types";
import type { GenericExtrinsic } from "@polkadot/types";
import { compactStripLength, hexToU8a, stringCamelCase, u8aToHex } from "@polkadot/util";

const METADATA_PATH = fileURLToPath(new URL("../../../shared/data/subtensor-spec424-metadata.scale", import.meta.url));

/** Whether the chain's metadata is there; without it the node cannot run. */
export const hasMetadata = existsSync(METADATA_PATH);

/** What to add to a test's name where the metadata is missing. */
export const metadataNote = hasMetadata
  ? ""
  : " (skipped: ../shared/data/subtensor-spec424-metadata.scale is not there)";

/** Extensions of a transaction that the chain has beyond the usual ones; none adds bytes. */
const OWN_EXTENSIONS = [
  "SudoTransactionExtension",
  "CheckShieldedTxValidity",
  "SubtensorTransactionExtension",
  "DrandPriority",
];

/** Place of a value in the chain's storage, for example "subtensorModule.tempo". */
export type StorageItem = `${string}.${string}`;

/** Encodes and decodes as the chain does. */
export interface Runtime {
  readonly metadata: Uint8Array;
  readonly specVersion: number;
  readonly transactionVersion: number;
  readonly registry: TypeRegistry;
  /** Storage key, hexadecimal. */
  key(item: StorageItem, args: readonly unknown[]): string;
  /** A value of a storage item, hexadecimal. */
  encode(item: StorageItem, value: unknown): string;
  /** The value as JSON; where there is none, the item's default, or null for an item that has none. */
  decode(item: StorageItem, value: string | undefined): unknown;
  /** The answer of a runtime API, for example "SubnetInfoRuntimeApi_get_metagraph"; undefined where there is no such one. */
  encodeAnswer(api: string, value: unknown): string | undefined;
  /** Position of the pallet, and of the error in it. */
  errorPosition(name: string): { readonly pallet: number; readonly error: number };
  extrinsic(hex: string): GenericExtrinsic;
}

type Entry = ReturnType<typeof expandMetadata>["query"][string][string];

let loaded: Runtime | undefined;

/** Reads the metadata, once. Throws where it is missing. */
export function loadRuntime(): Runtime {
  return (loaded ??= readRuntime());
}

function readRuntime(): Runtime {
  const metadataBytes = readFileSync(METADATA_PATH);
  const registry = new TypeRegistry();
  const metadata = new Metadata(registry, u8aToHex(metadataBytes));
  const plain = { extrinsic: {}, payload: {} };
  registry.setMetadata(metadata, undefined, Object.fromEntries(OWN_EXTENSIONS.map((name) => [name, plain])));
  const { query, consts } = expandMetadata(registry, metadata);
  const version = consts["system"]?.["version"]?.toJSON() as { specVersion: number; transactionVersion: number };

  function entryOf(item: StorageItem): Entry {
    const [section = "", method = ""] = item.split(".");
    const entry = query[section]?.[method];
    if (entry === undefined) throw new Error(`the metadata has no storage ${item}`);
    return entry;
  }
  function valueType(entry: Entry): string {
    const { type } = entry.meta;
    return registry.createLookupType(type.isMap ? type.asMap.value : type.asPlain);
  }
  return {
    metadata: metadataBytes,
    ...version,
    registry,
    key: (item, args) => u8aToHex(compactStripLength(entryOf(item)(...args))[1]),
    encode: (item, value) => u8aToHex(registry.createTypeUnsafe(valueType(entryOf(item)), [value]).toU8a()),
    decode(item, value) {
      const entry = entryOf(item);
      if (value === undefined && entry.meta.modifier.isOptional) return null;
      const bytes = value === undefined ? entry.meta.fallback.toU8a(true) : hexToU8a(value);
      return registry.createTypeUnsafe(valueType(entry), [bytes]).toJSON();
    },
    encodeAnswer(api, value) {
      const split = api.indexOf("_");
      const methods = metadata.asLatest.apis.find(({ name }) => name.toString() === api.slice(0, split))?.methods;
      const method = methods?.find(({ name }) => name.toString() === api.slice(split + 1));
      if (method === undefined) return undefined;
      return u8aToHex(registry.createTypeUnsafe(registry.createLookupType(method.output), [value]).toU8a());
    },
    errorPosition(wanted) {
      const pallet = metadata.asLatest.pallets.find(({ name }) => stringCamelCase(name) === "subtensorModule");
      if (pallet === undefined) throw new Error("the metadata has no SubtensorModule");
      const { variants } = registry.lookup.getSiType(pallet.errors.unwrap().type).def.asVariant;
      const error = variants.find(({ name }) => name.toString() === wanted);
      if (error === undefined) throw new Error(`the metadata has no error ${wanted}`);
      return { pallet: pallet.index.toNumber(), error: error.index.toNumber() };
    },
    extrinsic: (hex) => registry.createTypeUnsafe<GenericExtrinsic>("Extrinsic", [hexToU8a(hex)]),
  };
}

/**
 * What a manifest must be before it is frozen.
 */
import PQueue from "p-queue";
import { InvalidFieldsError, ZipnetError } from "../../core/errors.js";
import type { ObjectInfo, ObjectStore, VerifySignature } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { type Manifest, type ManifestObject, ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { KnownEpoch } from "../epoch-book.js";
import { FEW_OBJECTS, OBJECT_CHECKS_AT_ONCE } from "../limits.js";
import { assertAssigned } from "./create-upload-grants.js";

/** Opens a manifest that the caller signed for itself. Throws RECORD_SIGNATURE_INVALID or InvalidFieldsError. */
export function openManifest(record: SignedRecord, verify: VerifySignature, caller: string): Manifest {
  const manifest = openRecord(ManifestSchema, record, verify, caller);
  if (manifest.hotkey !== caller) {
    throw new ZipnetError(
      "RECORD_SIGNATURE_INVALID",
      `the manifest is for miner ${manifest.hotkey}, but you are ${caller}; a miner finalizes only its own submission`,
    );
  }
  return manifest;
}

/**
 * Throws unless the manifest is for this deployment and epoch; that its keys are its own is a constraint of Manifest:
 * InvalidFieldsError, WRONG_NONCE, ZIP_CODE_NOT_ASSIGNED.
 */
export function assertManifestFits(manifest: Manifest, known: KnownEpoch): void {
  const { epoch } = known;
  const differences = [
    ["network", manifest.network, epoch.network] as const,
    ["netuid", manifest.netuid, epoch.netuid] as const,
  ].filter(([, given, must]) => given !== must);
  if (differences.length > 0) {
    const violations = differences.map(([field, given, must]) => ({
      field,
      description: `is ${JSON.stringify(given)}, but must be ${JSON.stringify(must)}`,
    }));
    throw new InvalidFieldsError(ManifestSchema.typeName, violations);
  }
  if (manifest.nonce !== epoch.nonce) {
    const message = `the manifest's nonce is ${manifest.nonce}, but epoch ${epoch.id} has ${epoch.nonce}; sign a manifest with the epoch's nonce`;
    throw new ZipnetError("WRONG_NONCE", message, { epoch_id: epoch.id });
  }
  assertAssigned(
    manifest.objects.map((object) => object.zipCode),
    known,
  );
}

/** What is wrong with an object of a manifest, by what the store knows of it; undefined when nothing is. */
function objectProblem(object: ManifestObject, stored: ObjectInfo | undefined): ZipnetError | undefined {
  const metadata = { zip_code: object.zipCode, key: object.key };
  if (stored === undefined) {
    const message = `zip code ${object.zipCode}: ${object.key} is not in the store; upload it, then finalize again`;
    return new ZipnetError("OBJECT_MISSING", message, metadata);
  }
  const differ = (what: string, manifest: string | number, store: string | number): ZipnetError =>
    new ZipnetError(
      "OBJECT_DIFFERS",
      `zip code ${object.zipCode}: the manifest says ${what} ${manifest}, but the stored object has ${store}; correct the manifest, a stored object is never replaced`,
      metadata,
    );
  if (stored.sizeBytes !== object.sizeBytes) return differ("size_bytes", object.sizeBytes, stored.sizeBytes);
  if (stored.md5 !== object.md5) return differ("md5", object.md5, stored.md5);
  return undefined;
}

/** What the store knows of the objects. One listing tells of a thousand; what it does not show is looked up by itself. */
async function storedInfos(store: ObjectStore, prefix: string, objects: readonly ManifestObject[]) {
  const infos = new Map<string, ObjectInfo>();
  if (objects.length > FEW_OBJECTS) {
    for await (const info of store.list(prefix)) infos.set(info.key, info);
  }
  const queue = new PQueue({ concurrency: OBJECT_CHECKS_AT_ONCE });
  const lookUps = objects
    .filter(({ key }) => !infos.has(key))
    .map(({ key }) => async () => {
      const info = await store.head(key);
      if (info !== undefined) infos.set(key, info);
    });
  await queue.addAll(lookUps);
  return infos;
}

/**
 * Throws OBJECT_MISSING or OBJECT_DIFFERS for the first object, by zip code, that is not stored as the manifest says.
 *
 * @param prefix what all keys of the objects begin with.
 */
export async function assertObjectsStored(
  store: ObjectStore,
  prefix: string,
  objects: readonly ManifestObject[],
): Promise<void> {
  const infos = await storedInfos(store, prefix, objects);
  const problems = objects
    .map((object) => objectProblem(object, infos.get(object.key)))
    .filter((problem) => problem !== undefined);
  const [first] = problems;
  if (first === undefined) return;
  if (problems.length === 1) throw first;
  const message = `${first.message} (and ${problems.length - 1} more objects of ${objects.length} are not as they should be)`;
  throw new ZipnetError(first.reason, message, { ...first.metadata, problem_count: String(problems.length) });
}

/** The object store that a command works on. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { folderRetention } from "../../adapters/objects/folder/folder-retention.js";
import { s3Objects } from "../../adapters/objects/s3/s3-objects.js";
import { s3Retention } from "../../adapters/objects/s3/s3-retention.js";
import { parseS3Url } from "../../adapters/objects/s3/s3-url.js";
import type { DataRetention, ObjectStore } from "../../core/ports.js";

/** An object store, and its name for people: no secrets. */
export interface NamedObjects {
  readonly name: string;
  readonly objects: ObjectStore;
  readonly retention: DataRetention;
}

/** Opens "folder:DIR" or "s3://KEY:SECRET@host/bucket", which must be there. Throws an Error for anything else. */
export async function openObjects(place: string): Promise<NamedObjects> {
  if (place.startsWith("s3://")) {
    const settings = parseS3Url(place);
    const name = `${settings.endpoint}/${settings.bucket}`;
    return { name, objects: s3Objects(settings, systemClock), retention: s3Retention(settings) };
  }
  if (!place.startsWith("folder:")) {
    throw new Error('--objects (ZIPNET_OBJECTS) must be "folder:DIR" or "s3://KEY:SECRET@host/bucket"');
  }
  const dir = place.slice("folder:".length);
  const isStore = await stat(join(dir, "objects")).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isStore) throw new Error(`${dir} is no object store: it has no folder "objects"`);
  const objects = await openFolderObjects({ dir, publicUrl: "", clock: systemClock });
  return { name: dir, objects, retention: folderRetention(dir) };
}

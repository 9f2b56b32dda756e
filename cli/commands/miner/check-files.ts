/** `zipnet miner check DIR`: what validators will say of files before they are sent. */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { submittedFiles } from "../../../adapters/parquet/submitted-files.js";
import { loadSigner, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { openRecord } from "../../../core/signed-record.js";
import { EpochSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import type { MinerSettings } from "../../../miner/config.js";
import { openFiles, previewSubmission } from "../../../miner/inspect/preview.js";
import { createServerClients } from "../../../rpc/client/client.js";
import { isGood, previewText } from "../../scores/preview-text.js";

/** Prints what comes of a folder's files; whether they can be sent as they are. Throws an Error where there are none. */
export async function checkFiles(folder: string, settings: MinerSettings, signal: AbortSignal): Promise<boolean> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".parquet")).toSorted();
  if (names.length === 0)
    throw new Error(`${folder} holds no .parquet file; name the folder with a submission's files`);
  const files = await Promise.all(
    names.map(async (name) => ({ name, content: new Uint8Array(await readFile(path.join(folder, name))) })),
  );
  const reader = submittedFiles();
  const opened = await openFiles(files, reader);
  const [first] = opened.files;
  if (first === undefined) {
    const [bad] = opened.unreadable;
    throw new Error(`none of the ${names.length} files in ${folder} can be read; ${bad?.name}: ${bad?.why}`);
  }
  const signer = await loadSigner(settings);
  const { network, netuid, serverHotkey, transport } = settings;
  const calling = { signer, network, netuid, clock: systemClock, transport };
  const clients = createServerClients(settings.serverUrl, serverHotkey, calling);
  try {
    const { record } = await clients.epochs.getEpoch({ epochId: first.head.epochId }, { signal });
    if (record === undefined) throw new Error(`the server answered nothing for epoch ${first.head.epochId}`);
    const epoch = openRecord(EpochSchema, record, verifySr25519, serverHotkey);
    const of = { epoch, hotkey: signer.hotkey, files: opened.files, reader, nowMs: systemClock.now() };
    const preview = await previewSubmission(of);
    process.stdout.write(previewText(epoch, opened, preview));
    return isGood(opened.unreadable, preview);
  } finally {
    clients.close();
  }
}

import { Command } from "commander";
import Table from "cli-table3";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { grouped } from "../../../core/constraints/show.js";
import { type EpochStatus, heldReceipts, statusOf } from "../../../miner/inspect/status.js";
import { addSettingFlags } from "../../flags.js";
import { durationText, sizeText } from "../../../core/quantities.js";
import { STATE_SETTINGS, openState } from "./state.js";

const STYLE = { head: [], border: [], compact: true };

function standText(status: EpochStatus, nowMs: number): string {
  if (status.receivedMs !== undefined) return `receipted ${new Date(status.receivedMs).toISOString()}`;
  if (status.isSealed) return "sealed, no receipt yet";
  const collected = `${status.scraped} of ${status.zipCodes} zip codes scraped`;
  if (nowMs >= status.closeMs) return `closed without a receipt, ${collected}`;
  const kept = status.keptPages === 0 ? "" : `, ${status.keptPages} pages of the next ones`;
  return `collecting: ${collected}${kept}, ${durationText(status.closeMs - nowMs)} left`;
}

/** `zipnet miner status`: where a miner stands, by its state folder. */
export function statusCommand(): Command {
  const command = new Command("status").description("prints where a miner stands, by its state folder, running or not");
  return addSettingFlags(command, STATE_SETTINGS).action(async (flags: Record<string, string>) => {
    const { state, owner, limit } = await openState(flags);
    const table = new Table({ head: ["epoch", "listings", "uploaded", "bytes", "where it stands"], style: STYLE });
    const nowMs = systemClock.now();
    for (const status of await statusOf(state, limit)) {
      const { epochId, listings, uploaded, uploadedBytes } = status;
      table.push([epochId, grouped(listings), String(uploaded), sizeText(uploadedBytes), standText(status, nowMs)]);
    }
    process.stdout.write(`miner ${owner}\n${table.length === 0 ? "no epoch yet" : table.toString()}\n`);
  });
}

/** `zipnet miner receipts`: the receipts that a miner holds. */
export function receiptsCommand(): Command {
  const command = new Command("receipts").description("prints the receipts in a miner's state folder");
  return addSettingFlags(command, STATE_SETTINGS).action(async (flags: Record<string, string>) => {
    const { state, owner, limit } = await openState(flags);
    const head = ["epoch", "received", "position", "zip codes", "listings", "bytes", "manifest", "signed by"];
    const table = new Table({ head, style: STYLE });
    for (const { receipt, receivedMs, signer, manifest } of await heldReceipts(state, limit)) {
      table.push([
        receipt.epochId,
        new Date(receivedMs).toISOString(),
        String(receipt.position),
        String(receipt.objectCount),
        manifest === undefined ? "?" : grouped(manifest.objects.reduce((sum, { rows }) => sum + rows, 0)),
        sizeText(Number(receipt.totalBytes)),
        receipt.manifestSha256.slice(0, 16),
        signer,
      ]);
    }
    process.stdout.write(`miner ${owner}\n${table.length === 0 ? "no receipt yet" : table.toString()}\n`);
  });
}

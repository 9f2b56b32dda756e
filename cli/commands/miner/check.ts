import { statfs } from "node:fs/promises";
import { Command } from "commander";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { claimState } from "../../../adapters/state/claim-state.js";
import { folderState } from "../../../adapters/state/folder-state.js";
import { fetchTransfer } from "../../../adapters/transfer/fetch-transfer.js";
import { loadSigner, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { type MinerSettings, SETTINGS, readMinerSettings } from "../../../miner/config.js";
import { type Finding, findings } from "../../../miner/inspect/findings.js";
import { createServerClients } from "../../../rpc/client/client.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { checkFiles } from "./check-files.js";

const MARKS: Readonly<Record<Finding["verdict"], string>> = {
  ok: "ok     ",
  warning: "WARNING",
  problem: "PROBLEM",
  skipped: "skipped",
};

/** Prints what is found as it is found; whether there is no problem. */
async function check(settings: MinerSettings, signal: AbortSignal): Promise<boolean> {
  const { network, netuid, serverHotkey, stateDir, transport } = settings;
  const signer = await loadSigner(settings);
  const { hotkey } = signer;
  const { openSource } = await import("../../../adapters/source/open.js");
  const calling = { signer, network, netuid, clock: systemClock, transport };
  const clients = createServerClients(settings.serverUrl, serverHotkey, calling);
  const state = folderState(stateDir);
  const parts = {
    clients,
    clock: systemClock,
    state,
    transfer: fetchTransfer({ timeoutMs: settings.pageTimeoutMs }),
    verify: verifySr25519,
    claim: () => claimState(state, `${network}/${netuid}/${hotkey}`),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(stateDir);
      return bavail * bsize;
    },
    openSource: () => openSource(settings, { program: "miner", seed: hotkey, clock: systemClock }),
  };
  let isGood = true;
  try {
    for await (const { what, verdict, text } of findings(parts, { network, netuid, hotkey, serverHotkey }, signal)) {
      process.stdout.write(`${MARKS[verdict]}  ${what.padEnd(12)}  ${text}\n`);
      if (verdict === "problem") isGood = false;
    }
  } finally {
    clients.close();
  }
  return isGood;
}

/** `zipnet miner check [DIR]`: whether a miner with these settings can work, or whether its files are good. */
export function checkCommand(signal: AbortSignal): Command {
  const command = new Command("check")
    .argument("[dir]", "folder with a submission's .parquet files: runs validators' checks on them instead")
    .description(
      "looks at everything that can be wrong before an epoch, or at files before they are sent; the settings are the " +
        "miner's. Exit code 1 for a problem",
    );
  return addSettingFlags(command, SETTINGS).action(async (dir: string | undefined, flags: Record<string, string>) => {
    const settings = readMinerSettings(mergedSettings(flags));
    const isGood = dir === undefined ? await check(settings, signal) : await checkFiles(dir, settings, signal);
    if (!isGood) process.exitCode = 1;
  });
}

import { parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { folderState } from "../../../adapters/state/folder-state.js";
import type { LocalState } from "../../../core/ports.js";
import { mergedSettings } from "../../flags.js";

/** Settings of the commands that read a state folder. */
export const STATE_SETTINGS = {
  stateDir: setting("The miner's state folder.", parse.text()),
  limit: setting(
    "How many epochs, the newest first, 1 to 10000. Default 10.",
    parse.integer({ min: 1, max: 10_000 }, 10),
  ),
};

/** A miner's state, to be read. Throws where the folder is not a miner's. */
export async function openState(
  flags: Readonly<Record<string, string>>,
): Promise<{ state: LocalState; owner: string; limit: number }> {
  const { stateDir, limit } = readSettings(STATE_SETTINGS, mergedSettings(flags));
  const state = folderState(stateDir);
  const owner = await state.read("owner.txt");
  if (owner === undefined)
    throw new Error(`${stateDir} is no miner's state folder; name the one given to zipnet miner`);
  return { state, owner: new TextDecoder().decode(owner), limit };
}

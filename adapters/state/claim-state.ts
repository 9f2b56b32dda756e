import type { LocalState } from "../../core/ports.js";

const OWNER_KEY = "owner.txt";

/**
 * Makes sure that a local state is this program's: what is saved names its hotkey, and used under another one it would
 * pass for a lie. `owner` is "<network>/<netuid>/<hotkey>". Throws when the state is another's.
 */
export async function claimState(state: LocalState, owner: string): Promise<void> {
  const held = await state.read(OWNER_KEY);
  if (held === undefined) return state.write(OWNER_KEY, new TextEncoder().encode(owner));
  const heldOwner = new TextDecoder().decode(held);
  if (heldOwner !== owner) {
    throw new Error(`the state folder belongs to ${heldOwner}, but this is ${owner}; give it a folder of its own`);
  }
}

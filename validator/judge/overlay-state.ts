import type { LocalState } from "../../core/ports.js";

/** A state that begins as another one and leaves that as it is: what is written and removed stays here, in memory. */
export function overlayState(below: LocalState): LocalState {
  // Undefined stands for what was removed.
  const changed = new Map<string, Uint8Array | undefined>();
  const list = async (prefix: string): Promise<string[]> => {
    const keys = new Set(await below.list(prefix));
    for (const [key, content] of changed) {
      if (!key.startsWith(prefix)) continue;
      if (content === undefined) keys.delete(key);
      else keys.add(key);
    }
    return [...keys].toSorted();
  };
  const write = (key: string, content: Uint8Array): Promise<void> => {
    changed.set(key, content.slice());
    return Promise.resolve();
  };
  return {
    list,
    read: (key) => (changed.has(key) ? Promise.resolve(changed.get(key)?.slice()) : below.read(key)),
    write,
    keep: write,
    async remove(prefix) {
      for (const key of await list(prefix)) changed.set(key, undefined);
    },
  };
}

/**
 * Uploaded files as they were fetched, kept on disk up to a limit, over restarts and epochs. What is judged now is kept
 * while it is judged; of the rest as much as fits, so that an epoch can be judged again without another download.
 */
import type { LocalState } from "../../core/ports.js";
import type { ManifestObject } from "../../gen/zipnet/v1/submission_pb.js";

const FILES = "files/";

/** What names a file: an object of a manifest. Its SHA-256 is the manifest's word for it. */
export type FileName = Pick<ManifestObject, "zipCode" | "sizeBytes" | "sha256">;

/** Sizes in bytes by the last part of the key, of one miner. */
type Sizes = Map<string, number>;

interface Place {
  readonly epochId: string;
  readonly hotkey: string;
  readonly name: string;
}

/** The files on disk. One instance has the state's files to itself. */
export class KeptFiles {
  readonly #epochs = new Map<string, Map<string, Sizes>>();
  /** The epoch that is judged now, and the miners whose files are needed. */
  #held: { readonly epochId: string; readonly hotkeys: ReadonlySet<string> } = { epochId: "", hotkeys: new Set() };
  /** Miners of that epoch whose files were checked, in that order. */
  #checked = new Set<string>();
  /** Files come and go one after the other, so that what counts is what is there. */
  #turn: Promise<unknown> = Promise.resolve();
  #bytes = 0;

  private constructor(
    private readonly state: LocalState,
    /** What the files may take together, in bytes. */
    readonly maxBytes: number,
  ) {}

  /** The files that an earlier run left, and room for more. */
  static async open(state: LocalState, maxBytes: number): Promise<KeptFiles> {
    const kept = new KeptFiles(state, maxBytes);
    for (const key of await state.list(FILES)) {
      const [, epochId = "", hotkey = "", name = ""] = key.split("/");
      kept.#note({ epochId, hotkey, name }, Number(name.split("-")[1]));
    }
    await kept.#makeRoom(0);
    return kept;
  }

  /** Bytes of the files that are here. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether any file of an epoch is here. */
  hasEpoch(epochId: string): boolean {
    return this.#epochs.has(epochId);
  }

  /** Whether a file is here. */
  has(epochId: string, hotkey: string, file: FileName): boolean {
    return this.#sizeOf({ epochId, hotkey, name: nameOf(file) }) !== undefined;
  }

  /** A file's content; undefined when it is not here. */
  async read(epochId: string, hotkey: string, file: FileName): Promise<Uint8Array | undefined> {
    const place = { epochId, hotkey, name: nameOf(file) };
    if (this.#sizeOf(place) === undefined) return undefined;
    const content = await this.state.read(keyOf(place));
    if (content === undefined) this.#forget(place);
    return content;
  }

  /**
   * Keeps a file, which must be as long as its name says. Others make room for it: first those of other epochs, oldest
   * first; then, of the epoch that is judged, those that were checked, the latest first, because the first to hand in are
   * likeliest to be spot checked; then those that were not. What is held stays, so it may take more than the limit. A disk
   * that is full is a limit, too; rejects where it is full with what is held.
   */
  async save(epochId: string, hotkey: string, file: FileName, content: Uint8Array): Promise<void> {
    const place = { epochId, hotkey, name: nameOf(file) };
    await this.#inTurn(async () => {
      if (this.#sizeOf(place) === undefined) {
        await this.#makeRoom(content.length);
        await this.#write(keyOf(place), content);
        this.#note(place, content.length);
      }
      // What nobody holds may be too much, this file itself included.
      await this.#makeRoom(0);
    });
  }

  /** Removes a file. */
  async drop(epochId: string, hotkey: string, file: FileName): Promise<void> {
    await this.#inTurn(() => this.#remove({ epochId, hotkey, name: nameOf(file) }));
  }

  /** From now on an epoch is judged, and the files of these of its miners stay, instead of those that were held before. */
  hold(epochId: string, hotkeys: Iterable<string>): void {
    if (epochId !== this.#held.epochId) this.#checked = new Set();
    this.#held = { epochId, hotkeys: new Set(hotkeys) };
  }

  /** The files of a miner of the epoch that is judged were checked: they need not be held any more. */
  noteChecked(hotkey: string): void {
    const { epochId, hotkeys } = this.#held;
    this.#checked.add(hotkey);
    this.hold(
      epochId,
      [...hotkeys].filter((held) => held !== hotkey),
    );
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #write(key: string, content: Uint8Array): Promise<void> {
    for (;;) {
      try {
        // Whoever reads a file holds it against its hash, so one that a power cut damaged is fetched again.
        return await this.state.keep(key, content);
      } catch (error) {
        const next = isDiskFull(error) ? this.#leastNeeded() : undefined;
        if (next === undefined) throw error;
        await this.#remove(next);
      }
    }
  }

  async #makeRoom(forBytes: number): Promise<void> {
    while (this.#bytes + forBytes > this.maxBytes) {
      const next = this.#leastNeeded();
      if (next === undefined) return;
      await this.#remove(next);
    }
  }

  #leastNeeded(): Place | undefined {
    const { epochId: judged, hotkeys: held } = this.#held;
    const [oldest] = [...this.#epochs.keys()].filter((epochId) => epochId !== judged).sort();
    if (oldest !== undefined) return this.#firstOf(oldest, this.#epochs.get(oldest)?.keys() ?? []);
    const here = this.#epochs.get(judged) ?? new Map<string, Sizes>();
    const inLine = [...[...this.#checked].toReversed(), ...here.keys()];
    return this.#firstOf(
      judged,
      inLine.filter((hotkey) => here.has(hotkey) && !held.has(hotkey)),
    );
  }

  #firstOf(epochId: string, hotkeys: Iterable<string>): Place | undefined {
    for (const hotkey of hotkeys) {
      for (const name of this.#epochs.get(epochId)?.get(hotkey)?.keys() ?? []) return { epochId, hotkey, name };
    }
    return undefined;
  }

  async #remove(place: Place): Promise<void> {
    this.#forget(place);
    await this.state.remove(this.hasEpoch(place.epochId) ? keyOf(place) : `${FILES}${place.epochId}/`);
  }

  #sizeOf({ epochId, hotkey, name }: Place): number | undefined {
    return this.#epochs.get(epochId)?.get(hotkey)?.get(name);
  }

  #note({ epochId, hotkey, name }: Place, sizeBytes: number): void {
    const miners = this.#epochs.get(epochId) ?? new Map<string, Sizes>();
    this.#epochs.set(epochId, miners);
    const sizes = miners.get(hotkey) ?? new Map<string, number>();
    miners.set(hotkey, sizes);
    sizes.set(name, sizeBytes);
    this.#bytes += sizeBytes;
  }

  #forget(place: Place): void {
    const { epochId, hotkey, name } = place;
    this.#bytes -= this.#sizeOf(place) ?? 0;
    const miners = this.#epochs.get(epochId);
    const sizes = miners?.get(hotkey);
    sizes?.delete(name);
    if (sizes?.size === 0) miners?.delete(hotkey);
    if (miners?.size === 0) this.#epochs.delete(epochId);
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOSPC";
}

/** The size is part of the name, so that a list of the names tells how much is there. */
function nameOf({ zipCode, sizeBytes, sha256 }: FileName): string {
  return `${zipCode}-${sizeBytes}-${sha256}`;
}

function keyOf({ epochId, hotkey, name }: Place): string {
  return `${FILES}${epochId}/${hotkey}/${name}`;
}

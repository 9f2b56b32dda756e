/**
 * Sending transactions: one at a time for a hotkey, and none anew before the chain has shown what became of the last.
 */
import { z } from "zod";
import { ZipnetError, messageOf } from "../../../core/errors.js";
import type { Log, Signer } from "../../../core/ports.js";
import { type Inclusion, type Outcome, type SentTransaction, awaitInclusion } from "./inclusion.js";
import type { Link } from "./link.js";
import { type TransactionKind, poolRefusal, rejected } from "./refusals.js";
import type { Runtime } from "./runtime.js";
import { finalizedNonce } from "./nonce.js";
import type { Session } from "./session.js";
import { lastBlockOf, signedTransaction } from "./extrinsic.js";
import { RpcRefusal } from "./wire.js";

/** A transaction to send. */
export interface Sending {
  readonly kind: TransactionKind;
  readonly signer: Signer;
  /** Makes the call, hexadecimal, for the runtime that will execute it; asked anew whenever it is signed again. */
  readonly call: (runtime: Runtime, link: Link, signal: AbortSignal) => string | Promise<string>;
}

/** How often a transaction is signed again when the pool, the runtime or the time moved on. */
const MOST_ATTEMPTS = 5;

const nonceShape = z.int().min(0);

/** Sends transactions. */
export class Sender {
  /** By hotkey: what was sent, while it is not known what became of it. */
  readonly #open = new Map<string, SentTransaction>();
  /** By hotkey: the end of the call before. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly session: Session,
    private readonly log: Log,
  ) {}

  /**
   * Sends a transaction; resolves with the finalized block that holds it. Rejects with CHAIN_REJECTED where the chain
   * says no, with UNAVAILABLE where it is not finalized in time: a later call first waits until its fate is known.
   */
  async send(sending: Sending, timeoutMs: number, signal: AbortSignal): Promise<Inclusion> {
    const { hotkey } = sending.signer;
    const before = this.#turns.get(hotkey) ?? Promise.resolve();
    const turn = before.catch(() => {}).then(() => this.#inTurn(sending, timeoutMs, signal));
    this.#turns.set(
      hotkey,
      turn.catch(() => {}),
    );
    return turn;
  }

  async #inTurn(sending: Sending, timeoutMs: number, signal: AbortSignal): Promise<Inclusion> {
    const { clock } = this.session;
    const { hotkey } = sending.signer;
    const over = new AbortController();
    const patience = new AbortController();
    const stop = (): void => patience.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const late = new ZipnetError(
      "UNAVAILABLE",
      `the transaction of ${hotkey} was not finalized within ${timeoutMs} ms`,
    );
    clock.sleepUntil(clock.now() + timeoutMs, over.signal).then(
      () => patience.abort(late),
      () => {},
    );
    try {
      return await this.#send(sending, patience.signal);
    } finally {
      over.abort();
      signal.removeEventListener("abort", stop);
    }
  }

  async #send(sending: Sending, signal: AbortSignal): Promise<Inclusion> {
    const { hotkey } = sending.signer;
    let problem = "";
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      await this.#settle(hotkey, signal);
      const { sent, specVersion } = await this.#sign(sending, signal);
      const refusal = await this.#submit(sending.kind, sent, signal);
      if (refusal?.kind === "rejected") throw rejected(refusal.chainError, hotkey);
      if (refusal?.kind === "signature" && (await this.#specVersion(signal)) === specVersion) {
        throw rejected("BadProof", hotkey);
      }
      if (refusal?.kind === "moved" || refusal?.kind === "signature") {
        problem = refusal.kind === "moved" ? refusal.what : "the chain's runtime was upgraded";
        this.log.info(
          { event: "chain_resend", hotkey, problem },
          `the transaction of ${hotkey} is sent again: ${problem}`,
        );
        // The pool looks at the newest block; with the next one, things may be different.
        if (refusal.kind === "moved") await (await this.session.link(signal)).nextHead(signal);
        continue;
      }
      this.#open.set(hotkey, sent);
      const outcome = await this.#settle(hotkey, signal);
      if (outcome.kind === "included") return outcome;
      problem = "no block took it in time";
    }
    const what = `the transaction of ${hotkey} did not get into a block in ${MOST_ATTEMPTS} attempts: ${problem}`;
    throw new ZipnetError("UNAVAILABLE", what);
  }

  /** Waits until it is known what became of what the hotkey sent last, whoever sent it. */
  async #settle(hotkey: string, signal: AbortSignal): Promise<Outcome> {
    const open = this.#open.get(hotkey);
    if (open === undefined) return { kind: "expired" };
    const outcome = await awaitInclusion(this.session, open, signal);
    this.#open.delete(hotkey);
    return outcome;
  }

  /** Signs with fresh figures, once no transaction of the hotkey is under way any more. */
  async #sign(sending: Sending, signal: AbortSignal): Promise<{ sent: SentTransaction; specVersion: number }> {
    const { signer, call } = sending;
    for (;;) {
      const { link, signed } = await this.session.run(signal, async (used) => {
        const next = nonceShape.parse(await used.call("system_accountNextIndex", [signer.hotkey], signal));
        const { head, genesisHash } = used;
        const nonce = await finalizedNonce(used, signer.hotkey, signal);
        if (next > nonce) return { link: used, signed: undefined };
        const runtime = await used.runtimeAt(undefined, signal);
        const placing = { genesisHash, birthNumber: head.number, birthHash: head.hash, nonce };
        const hex = signedTransaction(runtime, await call(runtime, used, signal), signer, placing);
        const sent = { hotkey: signer.hotkey, hex, birth: head.number, last: lastBlockOf(head.number) };
        return { link: used, signed: { sent, specVersion: runtime.specVersion } };
      });
      if (signed !== undefined) return signed;
      await link.nextHead(signal);
    }
  }

  /** Hands a transaction to the pool; undefined where it was taken, or may have been. */
  async #submit(kind: TransactionKind, sent: SentTransaction, signal: AbortSignal) {
    let mayBeThere = false;
    try {
      return await this.session.run(signal, async (link) => {
        try {
          await submitTo(link, sent.hex, signal);
          return undefined;
        } catch (error) {
          if (!(error instanceof RpcRefusal)) {
            mayBeThere = true;
            throw error;
          }
          const refusal = poolRefusal(error, kind);
          // Where an answer was lost, the refusal of the second attempt can be the success of the first.
          return refusal.kind === "known" || mayBeThere ? undefined : refusal;
        }
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!mayBeThere) throw error;
      this.log.warn(
        { err: error },
        `it is not known whether the transaction of ${sent.hotkey} arrived: ${messageOf(error)}`,
      );
      return undefined;
    }
  }

  #specVersion(signal: AbortSignal): Promise<number> {
    return this.session.run(signal, async (link) => (await link.runtimeAt(undefined, signal)).specVersion);
  }
}

const METHOD_MISSING = -32_601;

/** Hands a transaction to an endpoint's pool, by the method that it has. */
async function submitTo(link: Link, hex: string, signal: AbortSignal): Promise<void> {
  try {
    await link.call("author_submitExtrinsic", [hex], signal);
  } catch (error) {
    if (!(error instanceof RpcRefusal) || error.code !== METHOD_MISSING) throw error;
    await link.call("author_submitAndWatchExtrinsic", [hex], signal);
  }
}

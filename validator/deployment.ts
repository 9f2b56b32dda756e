/**
 * What a validator learns from the server before it begins, and keeps for the times when the server is out of reach.
 */
import { ZipnetError } from "../core/errors.js";
import type { LocalState } from "../core/ports.js";
import type { GetServerInfoResponse } from "../gen/zipnet/v1/server_info_service_pb.js";
import { pauseMs } from "./judge/waiting.js";
import type { ValidatorConfig, ValidatorParts } from "./parts.js";

const KEY = "epoch-length-seconds";

/**
 * The deployment's epoch length in seconds: from local state, or asked of the server, again and again until it answers.
 * Throws an Error when the server is not the one that the configuration names.
 */
export async function learnEpochLength(
  parts: Pick<ValidatorParts, "clock" | "log" | "server" | "state">,
  config: ValidatorConfig,
  signal: AbortSignal,
): Promise<number> {
  const { clock, log, server, state } = parts;
  const known = await knownEpochLength(state);
  if (known !== undefined) return known;
  for (let tries = 1; ; tries += 1) {
    try {
      const info = await server.info(signal);
      assertServer(info, config);
      await state.write(KEY, new TextEncoder().encode(String(info.epochLengthSeconds)));
      return info.epochLengthSeconds;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError)) throw error;
      log.warn({ err: error }, "the server does not answer yet");
      await clock.sleepUntil(clock.now() + pauseMs(Math.min(tries, 4)), signal);
    }
  }
}

/** The deployment's epoch length in seconds as a validator keeps it; undefined before it has learnt it. */
export async function knownEpochLength(state: LocalState): Promise<number | undefined> {
  const known = await state.read(KEY);
  return known === undefined ? undefined : Number(new TextDecoder().decode(known));
}

function assertServer(info: GetServerInfoResponse, { network, netuid, serverHotkey }: ValidatorConfig): void {
  const is = `${info.network}/${info.netuid}, records signed by ${info.recordSigner}`;
  const must = `${network}/${netuid}, records signed by ${serverHotkey}`;
  if (is !== must)
    throw new Error(`the server is for ${is}, but the configuration is for ${must}; correct one of them`);
  if (info.epochLengthSeconds < 1) throw new Error("the server does not say how long its epochs are");
}

/**
 * How far a follower is: what it has dealt with, and the tokens to go on from. Pure, and what survives a restart.
 *
 * Servers and relays count apart. A server's tokens and its unbroken order of events are believed, so one number per
 * kind of event says what it has told. A relay may leave epochs out; what it told is remembered event by event, beyond
 * the server's numbers, and moves none of them. So the server's stream goes on where the server was left, brings
 * whatever the relay left out, and what the relay did tell is recognised and not delivered twice.
 */
import { z } from "zod";
import { ZipnetError } from "../../core/errors.js";
import { closedRevision, openedRevision } from "../epoch-log/epoch-log.js";
import type { FollowedEvent } from "./follower-options.js";

/** How far a follower is. Never changed; `advanced` makes the next one. */
export interface FollowerPosition {
  /** The last token of a server; empty for none. */
  readonly serverToken: Uint8Array;
  /** The last token of a relay, and the relay's hotkey, where that came after the server's last one. */
  readonly relayToken?: { readonly token: Uint8Array; readonly relay: string };
  /** Number of the newest epoch that a server has told of; -1 for none. */
  readonly opened: number;
  /** Number of the newest epoch that a server has told to be closed; -1 for none. */
  readonly closed: number;
  /** Keys of the events beyond `opened` and `closed` that relays have told, ascending by revision. */
  readonly ahead: readonly AheadEvent[];
}

/** An event that a relay has told. */
interface AheadEvent {
  readonly revision: number;
  /** What was said of a close, which is unsigned and may be made up; empty for an epoch, whose number says it all. */
  readonly said: string;
}

/** Who told. */
export interface Teller {
  readonly isServer: boolean;
  readonly hotkey: string;
}

/** A follower that has seen nothing. */
export const NOWHERE: FollowerPosition = { serverToken: new Uint8Array(), opened: -1, closed: -1, ahead: [] };

/** Events that are remembered of relays. A relay tells two per epoch; one that makes up more has its oldest told again. */
export const MAX_AHEAD = 128;

function keyOf(event: FollowedEvent): AheadEvent {
  return event.kind === "epoch"
    ? { revision: openedRevision(event.epoch.number), said: "" }
    : {
        revision: closedRevision(event.closed.epochNumber),
        said: `${event.closed.epochId} ${event.closed.snapshotSha256}`,
      };
}

/** Whether an event has been dealt with. */
export function isDealtWith({ opened, closed, ahead }: FollowerPosition, event: FollowedEvent): boolean {
  const { revision, said } = keyOf(event);
  const told = event.kind === "epoch" ? event.epoch.number <= opened : event.closed.epochNumber <= closed;
  return told || ahead.some((other) => other.revision === revision && other.said === said);
}

/** Number of the newest epoch that anybody has told of, as its signed record proves; -1 for none. */
export function newestOpened({ opened, ahead }: FollowerPosition): number {
  const newest = ahead.findLast(({ said }) => said === "");
  return newest === undefined ? opened : Math.max(opened, newest.revision / 2);
}

/** The position after a message was dealt with. `event` is undefined for a message that carries none. */
export function advanced(
  position: FollowerPosition,
  token: Uint8Array,
  event: FollowedEvent | undefined,
  teller: Teller,
): FollowerPosition {
  if (!teller.isServer) {
    const relayToken = { token, relay: teller.hotkey };
    if (event === undefined || isDealtWith(position, event)) return { ...position, relayToken };
    const ahead = [...position.ahead, keyOf(event)].sort((a, b) => a.revision - b.revision).slice(-MAX_AHEAD);
    return { ...position, relayToken, ahead };
  }
  const opened = event?.kind === "epoch" ? Math.max(position.opened, event.epoch.number) : position.opened;
  const closed = event?.kind === "closed" ? Math.max(position.closed, event.closed.epochNumber) : position.closed;
  const ahead = position.ahead.filter(({ revision, said }) =>
    said === "" ? revision > openedRevision(opened) : revision > closedRevision(closed),
  );
  return { serverToken: token, opened, closed, ahead };
}

/**
 * The tokens that may be presented to an endpoint, best first; the last is empty, which asks for a fresh start. A server
 * gets only its own. A relay gets the newest one, unless that is another relay's, which may have passed over an epoch.
 */
export function tokensFor({ serverToken, relayToken }: FollowerPosition, to: Teller): readonly Uint8Array[] {
  if (to.isServer || relayToken === undefined) return distinct([serverToken]);
  const { token, relay } = relayToken;
  return distinct(relay === to.hotkey ? [token, serverToken] : [serverToken, token]);
}

function distinct(tokens: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...tokens.filter(({ length }) => length > 0), new Uint8Array()];
}

// -------------------------------------------------------------------------------------------------------- storing

const FORMAT = "zipnet-position/1";

const bytes = z.base64().transform((text) => new Uint8Array(Buffer.from(text, "base64")));
const count = z.int().min(-1);

const storedSchema = z.object({
  format: z.literal(FORMAT),
  server_token: bytes,
  relay_token: z.object({ token: bytes, relay: z.string() }).optional(),
  opened: count,
  closed: count,
  ahead: z.array(z.object({ revision: z.int().min(0), said: z.string() })).max(MAX_AHEAD),
});

/** A position as it is stored: JSON. */
export function encodePosition({ serverToken, relayToken, ...plain }: FollowerPosition): Uint8Array {
  const stored: z.input<typeof storedSchema> = {
    format: FORMAT,
    server_token: base64(serverToken),
    ...(relayToken === undefined ? {} : { relay_token: { ...relayToken, token: base64(relayToken.token) } }),
    ...plain,
    ahead: [...plain.ahead],
  };
  return new TextEncoder().encode(JSON.stringify(stored));
}

/**
 * A stored position. Also takes the bare token that earlier versions stored, which begins with its version, a small
 * number. Throws a ZipnetError for anything else.
 */
export function decodePosition(stored: Uint8Array): FollowerPosition {
  if (stored[0] !== "{".charCodeAt(0)) return { ...NOWHERE, serverToken: stored };
  try {
    const read = storedSchema.parse(JSON.parse(new TextDecoder().decode(stored)));
    const { server_token: serverToken, relay_token: relayToken, opened, closed, ahead } = read;
    return { serverToken, ...(relayToken === undefined ? {} : { relayToken }), opened, closed, ahead };
  } catch (error) {
    const text = `the stored position is not of the form ${FORMAT}; events are followed from the previous epoch on`;
    throw new ZipnetError("RESUME_TOKEN_MALFORMED", text, {}, { cause: error });
  }
}

function base64(token: Uint8Array): string {
  return Buffer.from(token).toString("base64");
}

/**
 * How far the work on an epoch is, for whoever watches: a line that is drawn in place in a terminal, and a line of the
 * log every minute elsewhere.
 */
import { grouped } from "../core/constraints/show.js";
import type { Clock, Log } from "../core/ports.js";
import { durationText, sizeText } from "../core/quantities.js";
import type { MinerEvent } from "./progress.js";

/** What there is to see of an epoch. Times in unix milliseconds. */
interface Figures {
  readonly epochId: string;
  readonly closeMs: number;
  readonly zipCodes: number;
  /** Zip codes that are finished, scraped or left out. */
  readonly done: number;
  /** Pages taken apart since this program took the epoch up. */
  readonly pages: number;
  /** Listings of the zip codes that are scraped. */
  readonly finishedListings: number;
  /** Listings on the pages of those that are being scraped. */
  readonly openListings: ReadonlyMap<string, number>;
  readonly uploadedBytes: number;
  /** When this program took the epoch up, and what was there by then. */
  readonly since: { readonly timeMs: number; readonly done: number; readonly listings: number };
}

/** Where a line can be drawn again and again; standard error, mostly. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const REDRAW_MS = 250;
const LINE_MS = 60_000;
const CLEAR = "\r\u001b[K";

/** The figures after an event; undefined while no epoch is worked on. */
function figuresAfter(figures: Figures | undefined, event: MinerEvent, nowMs: number): Figures | undefined {
  if (event.event === "epoch_started") {
    return {
      epochId: event.epoch_id,
      closeMs: Date.parse(event.close_time),
      zipCodes: event.zip_codes,
      done: event.scraped,
      pages: 0,
      finishedListings: event.listings,
      openListings: new Map(),
      uploadedBytes: event.uploaded_bytes,
      since: { timeMs: nowMs, done: event.scraped, listings: event.listings },
    };
  }
  // Late work on an older epoch has no line of its own.
  if (figures === undefined || event.epoch_id !== figures.epochId) return figures;
  switch (event.event) {
    case "page_read":
      return { ...figures, pages: figures.pages + 1, openListings: openAfter(figures, event.zip_code, event.listings) };
    case "zip_code_scraped": {
      const finishedListings = figures.finishedListings + event.listings;
      return { ...figures, done: figures.done + 1, finishedListings, openListings: openAfter(figures, event.zip_code) };
    }
    case "zip_code_left_out":
      return {
        ...figures,
        done: Math.min(figures.zipCodes, figures.done + 1),
        openListings: openAfter(figures, event.zip_code),
      };
    case "zip_code_postponed":
      return { ...figures, openListings: openAfter(figures, event.zip_code) };
    case "zip_code_uploaded":
      return { ...figures, uploadedBytes: figures.uploadedBytes + event.bytes };
    case "finalized":
    case "epoch_failed":
    case "awaiting_record":
      return undefined;
    default:
      return figures;
  }
}

/** The listings of unfinished zip codes with a page's more of one, or without that one. */
function openAfter({ openListings }: Figures, zipCode: string, more?: number): ReadonlyMap<string, number> {
  const changed = new Map(openListings);
  if (more === undefined) changed.delete(zipCode);
  else changed.set(zipCode, (changed.get(zipCode) ?? 0) + more);
  return changed;
}

function listingsOf({ finishedListings, openListings }: Figures): number {
  return [...openListings.values()].reduce((sum, listings) => sum + listings, finishedListings);
}

/** Listings per second since the epoch was taken up. */
function rateOf(figures: Figures, nowMs: number): number {
  const { since } = figures;
  return nowMs <= since.timeMs ? 0 : ((listingsOf(figures) - since.listings) * 1000) / (nowMs - since.timeMs);
}

/** Time that the remaining zip codes take at the pace so far; undefined before the first one. */
function leftMsOf({ zipCodes, done, since }: Figures, nowMs: number): number | undefined {
  const finished = done - since.done;
  return finished <= 0 ? undefined : ((zipCodes - done) * (nowMs - since.timeMs)) / finished;
}

/** The figures in one line for people. */
function lineOf(figures: Figures, nowMs: number): string {
  const leftMs = leftMsOf(figures, nowMs);
  return [
    `epoch ${figures.epochId}: ${figures.done} of ${figures.zipCodes} zip codes`,
    `${grouped(figures.pages)} pages`,
    `${grouped(listingsOf(figures))} listings`,
    `${rateOf(figures, nowMs).toFixed(1)} per s`,
    `${sizeText(figures.uploadedBytes)} up`,
    leftMs === undefined ? "time left unknown" : `${durationText(leftMs)} left`,
    `closes in ${durationText(figures.closeMs - nowMs)}`,
  ].join(", ");
}

/** A log that also shows the figures. */
export interface ShowingLog extends Log {
  /** Shows them until the signal; resolves then. */
  show(signal: AbortSignal): Promise<void>;
}

/** Puts the display around a log, by whose events it knows how far the work is. */
export function showingLog(log: Log, terminal: Terminal, clock: Clock): ShowingLog {
  let figures: Figures | undefined;
  const isTerminal = terminal.isTTY === true;

  function draw(): void {
    if (!isTerminal || figures === undefined) return;
    terminal.write(`${CLEAR}${lineOf(figures, clock.now()).slice(0, Math.max(1, (terminal.columns ?? 80) - 1))}`);
  }
  function tellLine(): void {
    if (figures === undefined) return;
    const nowMs = clock.now();
    const { epochId, zipCodes, done, pages, uploadedBytes } = figures;
    const leftMs = leftMsOf(figures, nowMs);
    const facts = {
      event: "epoch_progress",
      epoch_id: epochId,
      done,
      total: zipCodes,
      pages,
      listings: listingsOf(figures),
      listings_per_second: Math.round(rateOf(figures, nowMs) * 10) / 10,
      uploaded_bytes: uploadedBytes,
      ...(leftMs !== undefined && { left_ms: Math.round(leftMs) }),
    };
    log.info(facts, lineOf(figures, nowMs));
  }
  const through =
    (level: keyof Log) =>
    (facts: object, message: string): void => {
      if ("event" in facts && "epoch_id" in facts) figures = figuresAfter(figures, facts as MinerEvent, clock.now());
      if (isTerminal) terminal.write(CLEAR);
      log[level](facts, message);
      draw();
    };
  return {
    debug: through("debug"),
    info: through("info"),
    warn: through("warn"),
    error: through("error"),
    async show(signal) {
      while (!signal.aborted) {
        await clock.sleepUntil(clock.now() + (isTerminal ? REDRAW_MS : LINE_MS), signal).catch(() => undefined);
        if (signal.aborted) break;
        if (isTerminal) draw();
        else tellLine();
      }
      if (isTerminal) terminal.write(CLEAR);
    },
  };
}

/**
 * The status page, as one HTML document that asks for nothing else.
 */
import { millisOf } from "../core/timestamps.js";
import { sha256Of } from "../core/hash.js";
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import { ProgressPhase } from "../gen/zipnet/v1/submission_pb.js";
import { Html, html } from "./html.js";
import { renderJudged } from "./judged.js";
import { renderMap } from "./map.js";
import { SCRIPT, STYLE } from "./style.js";
import type { EpochView, MinerView, StatusView } from "./view.js";
import { bytes, duration, grouped, shortHotkey } from "./words.js";

const PHASE_WORDS: Readonly<Record<ProgressPhase, string>> = {
  [ProgressPhase.UNSPECIFIED]: "",
  [ProgressPhase.SCRAPING]: "scraping",
  [ProgressPhase.UPLOADING]: "uploading",
  [ProgressPhase.FINALIZED]: "finalized",
  [ProgressPhase.BLOCKED]: "blocked by the source",
  [ProgressPhase.FAILED]: "failed",
};

function renderMiner({ epoch }: EpochView, { hotkey, progress, receipt }: MinerView): Html {
  const troubled = progress?.phase === ProgressPhase.BLOCKED || progress?.phase === ProgressPhase.FAILED;
  const state = receipt === undefined ? PHASE_WORDS[progress?.phase ?? ProgressPhase.UNSPECIFIED] : "finalized";
  const after = receipt === undefined ? "" : duration(millisOf(receipt.receivedTime) - millisOf(epoch.startTime));
  const size = receipt === undefined ? (progress?.uploadedBytes ?? 0n) : receipt.totalBytes;
  const done =
    progress === undefined
      ? undefined
      : html`<progress max="${progress.zipCodesTotal}" value="${progress.zipCodesDone}"></progress>
          ${progress.zipCodesDone} of ${progress.zipCodesTotal}`;
  return html`<tr><td><code title="${hotkey}">${shortHotkey(hotkey)}</code></td><td${troubled ? html` class="bad"` : undefined}>${state}</td><td>${done}</td><td class="n">${progress === undefined ? "" : grouped(progress.listings)}</td><td class="n">${bytes(size)}</td><td class="n">${after}</td><td class="n">${receipt?.position}</td><td class="wide soft">${progress?.note}</td></tr>
`;
}

function renderMiners(view: EpochView): Html {
  if (view.miners.length === 0) return html`<p class="soft">No miner has been heard of in this epoch.</p>`;
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Miner</th>
          <th>State</th>
          <th>Zip codes</th>
          <th class="n">Listings</th>
          <th class="n">Uploaded</th>
          <th class="n">Receipt after</th>
          <th class="n">Position</th>
          <th>Note</th>
        </tr>
      </thead>
      <tbody>
        ${view.miners.map((miner) => renderMiner(view, miner))}
      </tbody>
    </table>
  </div>`;
}

function renderZipCodes({ zipCodes }: Epoch): Html {
  return html`<details>
    <summary>The ${zipCodes.length} zip codes</summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Zip code</th>
            <th>State</th>
            <th>Place</th>
            <th class="n">Expected listings</th>
          </tr>
        </thead>
        <tbody>
          ${zipCodes.map(
            (zip) =>
              html`<tr>
                <td>${zip.zipCode}</td>
                <td>${zip.state}</td>
                <td>${zip.place}</td>
                <td class="n">${grouped(zip.expectedListings)}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

function figure(name: string, value: Html | string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function renderEpoch(title: string, view: EpochView, nowMs: number, map: Html | undefined): Html {
  const { epoch, miners } = view;
  const closeMs = millisOf(epoch.closeTime);
  const clock =
    nowMs < closeMs
      ? figure("Time left", html`<span data-until="${closeMs}">${duration(closeMs - nowMs)}</span>`)
      : figure("State", view.closed ? "closed" : "closing");
  const receipts = miners.filter((miner) => miner.receipt !== undefined).length;
  return html`<section>
    <h2>${title}: epoch ${epoch.id} <span class="soft">number ${epoch.number}</span></h2>
    <dl class="figures">
      ${clock}${figure("Submissions", String(receipts))}${figure("Zip codes", String(epoch.zipCodes.length))}${figure("Expected listings", grouped(epoch.expectedListings))}${figure("Seed block", grouped(epoch.seedBlock?.number ?? 0))}
    </dl>
    ${map}${renderMiners(view)}${renderZipCodes(epoch)}
  </section>`;
}

// Whole elements: a blank beside the script within its element would change the hash that lets it run.
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const SCRIPT_ELEMENT = new Html(`<script>${SCRIPT}</script>`);
const SCRIPT_HASH = Buffer.from(sha256Of(SCRIPT)).toString("base64");

/** What the page may do: run its own script, read itself again, and nothing else. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${SCRIPT_HASH}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The page. */
export function renderStatusPage(view: StatusView): string {
  const { current, previous, judged, nowMs } = view;
  const sections = [
    current === undefined
      ? html`<section>
          <h2>No epoch yet</h2>
          <p class="soft">
            The first one follows within a block or two, unless the server's log says why it cannot be drawn.
          </p>
        </section>`
      : renderEpoch("Now", current, nowMs, renderMap(current.epoch.zipCodes, view.spots)),
    previous === undefined ? undefined : renderEpoch("Before", previous, nowMs, undefined),
    judged === undefined
      ? html`<section>
          <h2>Nothing judged yet</h2>
          <p class="soft">Validators judge an epoch while the next one runs.</p>
        </section>`
      : renderJudged(judged.epochId, judged.reports),
  ];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>zipnet ${view.network}/${view.netuid}</title>
        ${STYLE_ELEMENT}
      </head>
      <body data-now="${nowMs}">
        <header>
          <h1>zipnet <span class="soft">${view.network}, subnet ${view.netuid}</span></h1>
        </header>
        <main>${sections}</main>
        <footer class="soft">
          Version ${view.softwareVersion}. Records are signed by <code>${view.serverHotkey}</code>. The same as data:
          <a href="status.json">status.json</a>
        </footer>
        ${SCRIPT_ELEMENT}
      </body>
    </html> `.text;
}

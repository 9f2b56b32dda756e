/**
 * The judgement of an epoch: the score table, and how far the validators agree on it.
 */
import { toBinary } from "@bufbuild/protobuf";
import { bytesToHex } from "../core/hash.js";
import {
  LossReason,
  type MinerScore,
  MinerVerdict,
  type Report,
  type ScoreTable,
  ScoreTableSchema,
} from "../gen/zipnet/v1/report_pb.js";
import { type Html, html } from "./html.js";
import { percent, shortHotkey } from "./words.js";

const SHOWN_LOSSES = 12;

const VERDICT_WORDS: Readonly<Record<MinerVerdict, string>> = {
  [MinerVerdict.UNSPECIFIED]: "",
  [MinerVerdict.VERIFIED]: "verified",
  [MinerVerdict.UNCHECKED]: "unchecked",
  [MinerVerdict.UNVERIFIED]: "unverified",
  [MinerVerdict.LIAR]: "liar",
  [MinerVerdict.COPY]: "copy",
};

/** A score table and who published it. */
export interface AgreedTable {
  readonly table: ScoreTable;
  /** Hotkeys, ascending. */
  readonly validators: readonly string[];
}

/** The different tables among reports, the one that most validators published first. */
export function agreedTables(reports: readonly Report[]): AgreedTable[] {
  const byContent = new Map<string, { table: ScoreTable; validators: string[] }>();
  for (const { table, validator } of reports) {
    if (table === undefined) continue;
    const content = bytesToHex(toBinary(ScoreTableSchema, table));
    const agreed = byContent.get(content) ?? { table, validators: [] };
    agreed.validators.push(validator);
    byContent.set(content, agreed);
  }
  for (const { validators } of byContent.values()) validators.sort();
  return [...byContent.values()].toSorted((a, b) => b.validators.length - a.validators.length);
}

function renderLosses({ hotkey, lost }: MinerScore): Html | undefined {
  if (lost.length === 0) return undefined;
  const rest = lost.length - SHOWN_LOSSES;
  return html`<details>
    <summary>
      <code>${shortHotkey(hotkey)}</code> lost points for ${lost.length} ${lost.length === 1 ? "reason" : "reasons"}
    </summary>
    <ul>
      ${lost
        .slice(0, SHOWN_LOSSES)
        .map(
          (loss) =>
            html`<li>
              ${LossReason[loss.reason]?.toLowerCase().replaceAll("_", " ")}${loss.zipCode === "" ? "" : ` in ${loss.zipCode}`}:
              ${loss.detail} <span class="soft">(${percent(loss.lostBps)})</span>
            </li> `,
        )}${rest > 0 ? html`<li class="soft">and ${rest} more, in the report</li>` : undefined}
    </ul>
  </details>`;
}

function renderTable({ table, validators }: AgreedTable): Html {
  const weights = new Map(table.weights.map((weight) => [weight.hotkey, weight.weightBps]));
  return html`<p class="soft">
      Published by ${validators.map((validator) => html`<code>${shortHotkey(validator)}</code> `)}
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th class="n">Rank</th>
            <th>Miner</th>
            <th>Verdict</th>
            <th class="n">Speed</th>
            <th class="n">Quality</th>
            <th class="n">Volume</th>
            <th class="n">Score</th>
            <th class="n">Listings</th>
            <th class="n">Weight</th>
          </tr>
        </thead>
        <tbody>
          ${table.scores.map(
            (
              score,
            ) => html`<tr><td class="n">${score.rank === 0 ? "" : score.rank}</td><td><code title="${score.hotkey}">${shortHotkey(score.hotkey)}</code></td><td${score.verdict === MinerVerdict.LIAR ? html` class="bad"` : undefined}>${VERDICT_WORDS[score.verdict]}</td><td class="n">${percent(score.speedBps)}</td><td class="n">${percent(score.qualityBps)}</td><td class="n">${percent(score.volumeBps)}</td><td class="n">${percent(score.scoreBps)}</td><td class="n">${score.acceptedListings}</td><td class="n">${percent(weights.get(score.hotkey) ?? 0)}</td></tr>
`,
          )}
        </tbody>
      </table>
    </div>
    ${table.scores.map(renderLosses)}`;
}

/** The section on the newest judged epoch. */
export function renderJudged(epochId: string, reports: readonly Report[]): Html {
  const tables = agreedTables(reports);
  const words =
    tables.length === 1
      ? html`<p class="good">All ${reports.length} reports have the same table.</p>`
      : html`<p class="bad">The ${reports.length} reports have ${tables.length} different tables.</p>`;
  return html`<section>
    <h2>Judged: epoch ${epochId}</h2>
    ${words}${tables.map(renderTable)}
  </section>`;
}

import assert from "node:assert/strict";
import type { Log } from "../core/ports.js";
import { type PinFinding, findingOf } from "../core/upload-pins.js";
import { tellPins } from "./upload-pins.js";

interface Line {
  readonly level: string;
  readonly facts: Record<string, unknown>;
  readonly message: string;
}

async function told(tryPins: () => Promise<PinFinding[]>): Promise<Line[]> {
  const lines: Line[] = [];
  const at = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts: { ...facts }, message });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  await tellPins(tryPins, log);
  return lines;
}

const held = { what: "this", answer: "HTTP 403", held: true };
const taken = { what: "a longer body", answer: "HTTP 200", held: false };
const unclear = { what: "that", answer: "HTTP 503", held: undefined };

describe("the server, of what its store holds", () => {
  it("says in one line that everything is held", async () => {
    const lines = await told(async () => [findingOf("length", [held]), findingOf("key", [held, held])]);
    assert.deepEqual(
      lines.map(({ level, facts }) => ({ level, ...facts })),
      [{ level: "info", event: "upload_pins_tried", held: ["length", "key"], unknown: [], not_held: [] }],
    );
  });

  it("warns of a gap that it closes itself, and calls one that nothing closes an error", async () => {
    const lines = await told(async () => [
      findingOf("length", [held, taken, unclear]),
      findingOf("key", [taken]),
      findingOf("listing", [held, unclear]),
    ]);
    assert.deepEqual(
      lines.map(({ level, facts }) => [level, facts["event"], facts["pin"], facts["is_closed"]]),
      [
        ["warn", "upload_pin_not_held", "length", true],
        ["error", "upload_pin_not_held", "key", false],
        ["info", "upload_pins_tried", undefined, undefined],
      ],
    );
    assert.match(lines[0]?.message ?? "", /length.*a longer body: HTTP 200.*finalizing refuses/);
    assert.deepEqual(lines[2]?.facts["unknown"], ["listing"]);
  });

  it("starts all the same where nothing can be tried, and says so", async () => {
    const [line] = await told(async () => assert.fail("no answer"));
    assert.deepEqual([line?.level, line?.facts["event"]], ["error", "upload_pins_untried"]);
  });
});

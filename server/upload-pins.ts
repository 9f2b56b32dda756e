/** Says at the start what the store's service does not hold of what grants pin, and what becomes of it. */
import type { Log } from "../core/ports.js";
import { type PinFinding, remedyOf } from "../core/upload-pins.js";

/** How long the start waits for the service's answers. */
const TRIAL_TIMEOUT_MS = 15_000;

/** Tries the pins and logs what came of it. Never rejects: a service that cannot be tried now is tried at the next start. */
export async function tellPins(
  tryPins: (signal: AbortSignal) => Promise<readonly PinFinding[]>,
  log: Log,
): Promise<void> {
  let findings: readonly PinFinding[];
  try {
    findings = await tryPins(AbortSignal.timeout(TRIAL_TIMEOUT_MS));
  } catch (error) {
    log.error({ event: "upload_pins_untried", err: error }, "what the object store holds of its grants is not known");
    return;
  }
  const inState = (state: PinFinding["state"]): string[] =>
    findings.filter((finding) => finding.state === state).map(({ pin }) => pin);
  const facts = { held: inState("held"), unknown: inState("unknown") };
  const gaps = findings.filter(({ state }) => state === "not_held");
  for (const { pin, cases } of gaps) {
    const { isClosed, text } = remedyOf(pin);
    const tried = cases.filter(({ held }) => held === false).map(({ what, answer }) => `${what}: ${answer}`);
    const told = { event: "upload_pin_not_held", pin, is_closed: isClosed, tried };
    const sentence = `the object store does not hold ${pin} (${tried.join("; ")}): ${text}`;
    if (isClosed) log.warn(told, sentence);
    else log.error(told, sentence);
  }
  const all = `the object store holds ${facts.held.length} of ${findings.length} things that grants count on`;
  log.info({ event: "upload_pins_tried", ...facts, not_held: gaps.map(({ pin }) => pin) }, all);
}

import { clockContract } from "./contract.js";
import { manualClock } from "./manual-clock.js";
import { systemClock } from "./system-clock.js";

clockContract("system", () => ({
  clock: systemClock,
  pass: (durationMs) => systemClock.sleepUntil(systemClock.now() + durationMs, new AbortController().signal),
}));

clockContract("manual", () => {
  const clock = manualClock(1_000_000);
  return { clock, pass: (durationMs) => clock.advanceTo(clock.now() + durationMs) };
});

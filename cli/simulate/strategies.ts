/** What miners do in the simulated network: the honest ones, and the attacks that are known of. */
import { cheating } from "./cheating.js";
import { copying } from "./copying.js";
import { PACE, type Strategy, type Turn, type Work, readHonestly, someZips } from "./play.js";

const honest = { isHonest: true, hotkeys: 1, coldkeys: 1 } as const;

function readers(name: keyof typeof PACE, operators: number): Strategy {
  const says = `reads everything, ${PACE[name]} listings an hour`;
  const play = (turn: Turn): Work => readHonestly(turn, someZips(turn, 100));
  return {
    ...honest,
    name: `honest-${name}`,
    says,
    equal: `honest-${name}`,
    operators,
    listingsPerHour: PACE[name],
    play,
  };
}

/** All strategies, by default in these numbers. */
export const STRATEGIES: readonly Strategy[] = [
  readers("quick", 1),
  readers("steady", 4),
  readers("slow", 1),
  {
    ...honest,
    name: "honest-partial",
    says: "reads 60 % of the zip codes",
    equal: "honest-partial",
    operators: 1,
    listingsPerHour: PACE.steady,
    play: (turn) => readHonestly(turn, someZips(turn, 60)),
  },
  ...cheating(),
  ...copying(),
];

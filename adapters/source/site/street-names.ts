/**
 * Street addresses for homes that have none.
 */
import type { RandomSequence } from "../../../core/random.js";

const NAMES =
  "Alder Ash Beacon Birch Bluff Cedar Cherry Chestnut Church Clay College Cottonwood Crescent Dogwood Elm Fairview Foster Grant Harbor Hickory Highland Hill Jackson Jefferson Juniper Lake Laurel Lincoln Locust Madison Magnolia Main Maple Meadow Mill Monroe Mulberry Oak Orchard Park Pearl Pine Poplar Prospect Ridge River Rosewood Spring Spruce Summit Sycamore Valley Vine Walnut Washington Willow".split(
    " ",
  );
const KINDS = ["St", "Ave", "Dr", "Rd", "Ln", "Ct", "Pl", "Way"];
const SIDES = ["", "", "", "N ", "S ", "E ", "W "];

/** A plausible street address; with a unit where asked. */
export function streetAddress(random: RandomSequence, withUnit: boolean): string {
  const number = 100 + random.below(9_900);
  const street = `${pick(SIDES, random)}${pick(NAMES, random)} ${pick(KINDS, random)}`;
  return withUnit ? `${number} ${street} #${1 + random.below(480)}` : `${number} ${street}`;
}

/** One of the items. The list must not be empty. */
export function pick<T>(items: readonly T[], random: RandomSequence): T {
  return items[random.below(items.length)] as T;
}

/**
 * What an epoch's record says next to those before it: nothing of this is a fault by itself.
 */
import { type Epoch, RulesSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { type Difference, differencesBetween } from "./differences.js";

/** What the owner changed from one epoch to a later one: rules and catalogue. No fault by itself. */
export function ownerChanges(before: Epoch, after: Epoch): Difference[] {
  const changes = differencesBetween(RulesSchema, before.rules, after.rules, "rules");
  if (before.catalogueSha256 === after.catalogueSha256) return changes;
  const [expected, found] = [before.catalogueSha256, after.catalogueSha256];
  return [...changes, { field: "catalogue_sha256", expected, found }];
}

/** Numbers of the epochs of the cooldown that are not among the epochs before it, ascending. */
export function missingFromCooldown({ number, rules }: Epoch, recentEpochs: readonly Epoch[]): number[] {
  const given = new Set(recentEpochs.map((epoch) => epoch.number));
  const first = Math.max(0, number - (rules?.cooldownEpochs ?? 0));
  return Array.from({ length: number - first }, (_, index) => first + index).filter((each) => !given.has(each));
}

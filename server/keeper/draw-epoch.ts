import { chooseCatalogue } from "../calibration/choose.js";
import { buildEpoch } from "../../core/build-epoch.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import type { Block } from "../../core/ports.js";
import { payloadSha256, sealRecord } from "../../core/signed-record.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { extendIfLate } from "../extensions.js";
import type { KeeperParts } from "./keeper.js";

/**
 * Draws an epoch and records it; whether it is recorded. The first of the replicas wins, and as all of them compute
 * the same, what is stored is equal to ours unless they are configured differently.
 */
export async function drawEpoch(parts: KeeperParts, number: number, seedBlock: Block): Promise<boolean> {
  const { catalogues, deployment, epochs, log, signer } = parts;
  const { rules, network, netuid, epochLengthSeconds } = deployment;
  const id = epochIdOf(epochStartMs(number, epochLengthSeconds));
  const choice = await chooseCatalogue(parts, number);
  const { catalogue, sha256: catalogueSha256 } = await catalogues.read(choice.catalogueSha256);
  // Those before this one, whatever is recorded by now: another replica may have drawn it already, from the same ones.
  const recent = rules.cooldownEpochs === 0 ? [] : await epochs.list(rules.cooldownEpochs, id);
  const built = buildEpoch({
    number,
    epochLengthSeconds,
    network,
    netuid,
    catalogue,
    catalogueSha256,
    rules,
    seedBlock,
    recentEpochs: recent.map(({ epoch }) => epoch),
  });
  if (!built.ok) {
    const facts = { event: "epoch_undrawable", epoch_id: id, number, problem: built.problem };
    log.error(facts, `epoch ${id} has no zip codes: ${built.problem}; the next epoch is tried in its turn`);
    return false;
  }
  // First, so that no replica can know the epoch without its extension.
  await extendIfLate(parts, built.epoch);
  const ours = sealRecord(EpochSchema, built.epoch, signer);
  const stored = await epochs.recordEpoch(ours);
  const facts = {
    event: "epoch_recorded",
    epoch_id: id,
    number,
    zip_codes: built.epoch.zipCodes.length,
    expected_listings: built.epoch.expectedListings,
    seed_block: seedBlock.number,
  };
  if (payloadSha256(stored) === payloadSha256(ours)) {
    log.info(facts, `epoch ${id} is open: ${facts.zip_codes} zip codes, ${facts.expected_listings} listings expected`);
  } else {
    log.error(
      { ...facts, event: "epoch_differs", stored_by: stored.signer },
      `epoch ${id} was recorded with other content by another replica, whose record holds; give all replicas the same rules and epoch length`,
    );
  }
  return true;
}

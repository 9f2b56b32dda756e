/** Epochs, tokens and pages that there are not. */
import { Code } from "@connectrpc/connect";
import { signerFromUri } from "../../../adapters/wallet/wallet.js";
import { walletOf } from "../../../cli/demo/network.js";
import type { Clients } from "../../../rpc/client/client.js";
import { type ResumeTokens, TOKEN_KEY_PURPOSE, resumeTokens } from "../../../rpc/stream/resume-token.js";
import type { Play } from "./play.test-support.js";
import { firstOf, refused } from "./refused.test-support.js";
import { NETUID, NETWORK } from "./world.test-support.js";

/** The server's own tokens, or those that it would make on another network. */
function tokens(network: string): ResumeTokens {
  const owner = signerFromUri(walletOf("owner"));
  const keys = [owner.secretFor(TOKEN_KEY_PURPOSE)] as const;
  return resumeTokens({ network, netuid: NETUID, recordSigner: owner.hotkey, keys, trustsOtherIssuers: false });
}

const invalid = { code: Code.InvalidArgument, reason: "INVALID_FIELD" } as const;

/** Tests within a describe. */
export function badEpochs(play: () => Play): void {
  let miner: Clients;
  let validator: Clients;
  before(() => {
    const { server, cast } = play();
    miner = server.clients(cast.swift);
    validator = server.clients(cast.validator);
  });

  it("an id that no epoch has", async () => {
    const says = ["20200101T000000Z", "ListEpochs"];
    const refusal = { code: Code.NotFound, reason: "EPOCH_UNKNOWN", says } as const;
    const asked = { epochId: "20200101T000000Z" };
    await play().harmless(async () => {
      await refused(miner.epochs.getEpoch(asked), refusal);
      await refused(miner.submissions.getSubmission(asked), refusal);
      await refused(miner.judging.listReports(asked), refusal);
      await refused(miner.judging.getCalibration(asked), refusal);
      await refused(validator.judging.getSnapshot(asked), refusal);
      await refused(validator.judging.createDownloadGrants(asked), refusal);
    });
  });

  it("an id that is none", async () => {
    await play().harmless(async () => {
      for (const epochId of ["tomorrow", "20261332T000000Z", "20261122T120000", "../../grant-secret"]) {
        const refusal = { ...invalid, says: [`"${epochId}"`, "20261122T120000Z"], fields: ["epoch_id"] };
        await refused(miner.epochs.getEpoch({ epochId }), refusal);
        await refused(miner.submissions.getSubmission({ epochId }), refusal);
        await refused(miner.judging.listReports({ epochId }), refusal);
        await refused(miner.judging.getCalibration({ epochId }), refusal);
        await refused(validator.judging.getSnapshot({ epochId }), refusal);
        await refused(validator.judging.createDownloadGrants({ epochId }), refusal);
      }
    });
  });

  it("an epoch that is still open, for judging", async () => {
    const { epoch, harmless } = play();
    const refusal = {
      code: Code.FailedPrecondition,
      reason: "EPOCH_OPEN",
      says: [epoch.id, /closes at \d{4}-/, "WatchEpochs"],
    } as const;
    await harmless(async () => {
      await refused(validator.judging.getSnapshot({ epochId: epoch.id }), refusal);
      await refused(validator.judging.createDownloadGrants({ epochId: epoch.id }), refusal);
    });
  });

  it("a resume token that is malformed, foreign or of the future", async () => {
    const { epoch, harmless } = play();
    const watch = (resumeToken: Uint8Array): Promise<unknown> => firstOf(miner.epochs.watchEpochs({ resumeToken }));
    const good = tokens(NETWORK).encode(2 * epoch.number);
    const damaged = good.map((byte, index) => (index === 9 ? byte ^ 1 : byte));
    const malformed = {
      code: Code.InvalidArgument,
      reason: "RESUME_TOKEN_MALFORMED",
      says: ["start without one"],
    } as const;
    await harmless(async () => {
      for (const token of [Uint8Array.of(1, 2, 3), good.subarray(1), damaged]) await refused(watch(token), malformed);
      await refused(watch(new Uint8Array(257)), { ...invalid, says: ["257 bytes", "256"], fields: ["resume_token"] });
      await refused(watch(tokens("test").encode(2 * epoch.number)), {
        code: Code.FailedPrecondition,
        reason: "RESUME_TOKEN_FOREIGN",
        says: ["another deployment", "start without one"],
      });
      const ahead = 2 * (epoch.number + 5);
      await refused(watch(tokens(NETWORK).encode(ahead)), {
        code: Code.Unavailable,
        reason: "RESUME_TOKEN_FROM_FUTURE",
        says: [String(ahead), "try again later or elsewhere"],
      });
    });
  });

  it("a page that follows no other", async () => {
    const { epoch, harmless } = play();
    const refusal = { ...invalid, says: ['"elsewhere"', "next_page_token"], fields: ["page_token"] };
    await harmless(async () => {
      await refused(miner.epochs.listEpochs({ pageToken: "elsewhere" }), refusal);
      await refused(miner.judging.listReports({ epochId: epoch.id, pageToken: "elsewhere" }), refusal);
      await refused(miner.epochs.listEpochs({ pageSize: 101 }), {
        ...invalid,
        says: ["101", "0 to 100"],
        fields: ["page_size"],
      });
      const asked = { epochId: epoch.id, hotkeys: ["5F"], pageSize: 2_001 };
      await refused(validator.judging.createDownloadGrants(asked), {
        ...invalid,
        says: ['"5F"', "SS58", "2001"],
        fields: ["hotkeys[0]", "page_size"],
      });
    });
  });
}

import { u8aToHex } from "@polkadot/util";
import { decodeAddress } from "@polkadot/util-crypto";
import { z } from "zod";
import type { Link } from "./link.js";
import { readStorage } from "./metagraph.js";
import type { ApiName } from "./runtime.js";

const ACCOUNT_NONCE: ApiName = "AccountNonceApi_account_nonce";

const accountShape = z.looseObject({ nonce: z.int().min(0) });

/** How many transactions of a hotkey are in finalized blocks: the nonce of its next one, when none is under way. */
export async function finalizedNonce(link: Link, hotkey: string, signal: AbortSignal): Promise<number> {
  const { runtime, head } = link;
  if (!runtime.hasApi(ACCOUNT_NONCE)) {
    const [account] = await readStorage(link, runtime, head.hash, [["system.account", hotkey]], signal);
    return accountShape.parse(account).nonce;
  }
  const account = u8aToHex(decodeAddress(hotkey));
  const answer = z.string().parse(await link.call("state_call", [ACCOUNT_NONCE, account, head.hash], signal));
  return z.int().min(0).parse(runtime.decodeAnswer(ACCOUNT_NONCE, answer));
}

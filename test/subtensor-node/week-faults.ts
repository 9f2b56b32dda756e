/**
 * What goes wrong in the simulated days.
 */
import type { World } from "../../adapters/chain/subtensor/world.test-support.js";
import { RpcFailure } from "./pool.js";

/** Something that goes wrong for some blocks. */
export interface Fault {
  readonly name: string;
  readonly mostBlocks: number;
  begin(world: World): Promise<void> | void;
  end(world: World): Promise<void> | void;
}

const nothing = (): void => {};

/** Every fault, each as likely as the others. */
export const FAULTS: readonly Fault[] = [
  {
    name: "one endpoint is silent",
    mostBlocks: 100,
    begin: ({ first }) => void (first.isSilent = true),
    end: ({ first }) => void (first.isSilent = false),
  },
  {
    name: "both endpoints are silent",
    mostBlocks: 50,
    begin: ({ first, second }) => void (first.isSilent = second.isSilent = true),
    end: ({ first, second }) => void (first.isSilent = second.isSilent = false),
  },
  {
    name: "one endpoint is down",
    mostBlocks: 100,
    begin: ({ first }) => first.goDown(),
    end: ({ first }) => first.comeUp(),
  },
  {
    name: "both endpoints are down",
    mostBlocks: 50,
    begin: async ({ first, second }) => void (await Promise.all([first.goDown(), second.goDown()])),
    end: async ({ first, second }) => void (await Promise.all([first.comeUp(), second.comeUp()])),
  },
  {
    name: "an endpoint lags",
    mostBlocks: 100,
    begin: ({ second }) => void (second.lagBlocks = 15),
    end: ({ second }) => void (second.lagBlocks = 0),
  },
  {
    name: "connections break",
    mostBlocks: 1,
    begin({ first, second }) {
      first.drop();
      second.drop();
    },
    end: nothing,
  },
  {
    name: "finality stalls",
    mostBlocks: 60,
    begin: ({ node }) => node.stallFinality(true),
    end: ({ node }) => node.stallFinality(false),
  },
  { name: "a reorganization", mostBlocks: 1, begin: ({ node }) => node.reorganize(), end: nothing },
  { name: "a runtime upgrade", mostBlocks: 1, begin: ({ node }) => node.upgrade(), end: nothing },
  {
    name: "answers to submissions are lost",
    mostBlocks: 200,
    begin: ({ first, second }) => void (first.losesNextSubmission = second.losesNextSubmission = true),
    end: nothing,
  },
  {
    name: "the pool refuses",
    mostBlocks: 200,
    begin({ first, second }) {
      const priority = new RpcFailure(1014, "Priority is too low: (1 vs 0)");
      first.refusals.push(priority, new RpcFailure(1010, "Invalid Transaction", "Transaction is outdated"));
      second.refusals.push(new RpcFailure(1012, "Transaction is temporarily banned"));
    },
    end({ first, second }) {
      first.refusals.length = 0;
      second.refusals.length = 0;
    },
  },
];

import assert from "node:assert/strict";
import { create, fromBinary } from "@bufbuild/protobuf";
import { systemClock } from "../adapters/clock/system-clock.js";
import { readyCrypto, verifySr25519 } from "../adapters/wallet/wallet.js";
import type { ObjectStore } from "../core/ports.js";
import { payloadSha256 } from "../core/signed-record.js";
import { EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { EpochClosedSchema } from "../gen/zipnet/v1/epoch_service_pb.js";
import type { FollowedEvent } from "../rpc/follower/follower.js";
import { FIRST, epochRecord, idOf, keys, logOver, snapshotRecord } from "../rpc/kit.test-support.js";
import { mapObjects } from "../rpc/memory.test-support.js";
import { quietLog } from "../test/support/quiet-log.js";
import { keepRecord } from "./keep-records.js";

const never = new AbortController().signal;

function opened(number: number): FollowedEvent {
  const record = epochRecord(number);
  return { kind: "epoch", epoch: fromBinary(EpochSchema, record.payload), record };
}

function closed(epochNumber: number): FollowedEvent {
  const snapshotSha256 = payloadSha256(snapshotRecord(epochNumber));
  const event = { epochNumber, epochId: idOf(epochNumber), snapshotSha256, receiptCount: 0 };
  return { kind: "closed", closed: create(EpochClosedSchema, event) };
}

describe("a validator that keeps records, dies and is started again", () => {
  before(readyCrypto);

  /** Keeps an event over a store that dies at a write; whether it died. */
  async function keepUntilDeath(
    event: FollowedEvent,
    objects: ObjectStore,
    death: { writesLeft: number; readonly when: "before" | "after" },
  ): Promise<boolean> {
    let isDead = false;
    const mortal: ObjectStore = {
      ...objects,
      async putIfAbsent(key, content, contentType) {
        isDead = death.writesLeft === 0;
        death.writesLeft -= 1;
        const wasPut = isDead && death.when === "before" ? false : await objects.putIfAbsent(key, content, contentType);
        if (isDead) throw new Error("the process dies");
        return wasPut;
      },
    };
    // A new process knows nothing but what is stored.
    const epochs = logOver(systemClock, { objects: mortal, isRelay: true });
    const server = { snapshot: async (id: string) => snapshotRecord(id === idOf(FIRST) ? FIRST : FIRST + 1) };
    const options = { epochs, server, serverHotkey: keys("server").hotkey, verify: verifySr25519 };
    await keepRecord(event, { ...options, clock: systemClock, log: quietLog }, never).catch((error: unknown) => {
      if (!isDead) throw error;
    });
    return isDead;
  }

  it("has every record once, wherever a write was cut off and whichever event comes again", async () => {
    const events = [opened(FIRST), opened(FIRST + 1), closed(FIRST), opened(FIRST + 2), closed(FIRST + 1)];
    for (let writes = 0; writes <= events.length; writes += 1) {
      for (const when of ["before", "after"] as const) {
        const objects = mapObjects();
        const death = { writesLeft: writes, when };
        for (const event of events) {
          if (await keepUntilDeath(event, objects, death)) await keepUntilDeath(event, objects, death);
          // Its position was not saved, so it comes once more.
          await keepUntilDeath(event, objects, death);
        }
        assert.equal(objects.held.size, events.length, `${writes} ${when}`);
        const log = logOver(systemClock, { objects, isRelay: true });
        const told: string[] = [];
        for (let placed = await log.next(0); placed !== undefined; placed = await log.next(placed.revision)) {
          told.push(`${placed.revision - 2 * FIRST} ${placed.event.kind}`);
        }
        assert.deepEqual(told, ["0 epoch", "2 epoch", "3 closed", "4 epoch", "5 closed"], `${writes} ${when}`);
      }
    }
  });
});

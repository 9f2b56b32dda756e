import assert from "node:assert/strict";
import fc from "fast-check";
import { type Frame, FrameRing } from "./frame-ring.js";

/** Events with gaps between them, and gaps that nothing will ever fill. */
const histories = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 4 })), { maxLength: 40 });

function framesOf(history: readonly (readonly [number, number])[], floor: number): Frame[] {
  let revision = floor;
  return history.map(([step, passed]) => {
    const frame = { revision: revision + step, passedRevision: revision + step + passed, bytes: Buffer.alloc(0) };
    revision = frame.passedRevision;
    return frame;
  });
}

describe("the frame ring", () => {
  it("gives a cursor at or above its floor every event after it, in order", () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 10 }), fc.nat({ max: 50 }), (history, capacity, start) => {
        const frames = framesOf(history, 10);
        const ring = new FrameRing(capacity, 10);
        for (const frame of frames) ring.push(frame);
        let cursor = Math.max(ring.floor, 10 + start);
        const expected = frames.filter(({ revision }) => revision > cursor);
        const seen: Frame[] = [];
        for (let frame = ring.after(cursor); frame !== undefined; frame = ring.after(cursor)) {
          seen.push(frame);
          cursor = frame.passedRevision;
        }
        assert.deepEqual(seen, expected);
        assert.equal(ring.head, frames.at(-1)?.passedRevision ?? 10);
      }),
    );
  });

  it("holds as many as it may, and its floor is where the others end", () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 10 }), (history, capacity) => {
        const frames = framesOf(history, 10);
        const ring = new FrameRing(capacity, 10);
        for (const frame of frames) ring.push(frame);
        assert.equal(ring.floor, frames.at(-capacity - 1)?.passedRevision ?? 10);
      }),
    );
  });

  it("takes no event that is not after all others", () => {
    const ring = new FrameRing(3, 10);
    ring.push({ revision: 11, passedRevision: 13, bytes: Buffer.alloc(0) });
    assert.throws(() => ring.push({ revision: 13, passedRevision: 13, bytes: Buffer.alloc(0) }), /13 is not after 13/);
    ring.passTo(15);
    ring.passTo(12);
    assert.equal(ring.head, 15);
  });
});

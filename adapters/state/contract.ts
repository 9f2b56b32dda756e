import assert from "node:assert/strict";
import type { LocalState } from "../../core/ports.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** What every local state keeps. */
export function localStateContract(name: string, create: () => Promise<LocalState>): void {
  describe(`local state contract: ${name}`, () => {
    for (const way of ["write", "keep"] as const) {
      it(`reads what was written last, and undefined before: ${way}`, async () => {
        const state = await create();
        assert.equal(await state.read("token"), undefined);
        await state.write("token", text("one"));
        await state[way]("token", text("two"));
        assert.deepEqual(await state.read("token"), text("two"));
        await state[way]("other/token", text("three"));
        assert.deepEqual(await state.list(""), ["other/token", "token"]);
        await assert.rejects(() => state[way]("../token", text("x")), RangeError);
      });
    }

    it("keeps its own copy", async () => {
      const state = await create();
      const content = text("abc");
      await state.write("a", content);
      content.fill(0);
      assert.deepEqual(await state.read("a"), text("abc"));
    });

    it("lists and removes by prefix, ascending", async () => {
      const state = await create();
      for (const key of ["work/b/2", "work/a/1", "work/b/1", "token"]) await state.write(key, text(key));
      assert.deepEqual(await state.list("work/"), ["work/a/1", "work/b/1", "work/b/2"]);
      await state.remove("work/b/");
      assert.deepEqual(await state.list(""), ["token", "work/a/1"]);
      await state.remove("nothing/");
    });

    it("refuses keys that could leave the folder or blur with others", async () => {
      const state = await create();
      for (const key of ["", "/a", "a//b", "../a", "a/..", "a/./b", "a\\b", "a\0", "a~b", "x".repeat(513)]) {
        await assert.rejects(() => state.write(key, text("x")), RangeError, JSON.stringify(key));
      }
    });

    it("has either the old or the new content under concurrent writes", async () => {
      const state = await create();
      const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(1000));
      await Promise.all(contents.map((content) => state.write("same", text(content))));
      const held = new TextDecoder().decode(await state.read("same"));
      assert.ok(contents.includes(held));
      assert.deepEqual(await state.list(""), ["same"]);
    });
  });
}

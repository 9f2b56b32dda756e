/** Uploads that are not what was granted, over real HTTP. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { Code } from "@connectrpc/connect";
import { dataKey } from "../../../core/object-keys.js";
import type { UploadGrant } from "../../../gen/zipnet/v1/submission_service_pb.js";
import { fileOf, specOf } from "../../../server/rig.test-support.js";
import { type Play, zipCodeOf } from "./play.test-support.js";
import { altered } from "./raw-calls.test-support.js";
import { assertSays, refused } from "./refused.test-support.js";

interface Put {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Sends exactly this; the status and what was said. */
async function send({ method, url, headers, body }: Put): Promise<{ status: number; text: string }> {
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers: { ...headers }, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Asserts that an upload is refused with one of the statuses and a sentence that says why. */
async function putRefused(what: string, put: Put, status: number, ...says: (string | RegExp)[]): Promise<void> {
  const answer = await send(put);
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assertSays(answer.text, says);
}

/** The PUT that was granted. */
export function grantedPut(grant: UploadGrant, body: Uint8Array): Put {
  const headers = Object.fromEntries(grant.headers.map(({ name, value }) => [name, value]));
  return { method: "PUT", url: grant.url, headers: { ...headers, "content-length": String(body.length) }, body };
}

/** A PUT whose grant is over is refused, and says since when. */
export async function expired(put: Put): Promise<void> {
  await putRefused("an expired grant", put, 403, /the grant expired at \d{4}-/, "ask for a new one");
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const without = (put: Put, name: string): Put => ({
  ...put,
  headers: Object.fromEntries(Object.entries(put.headers).filter(([other]) => other !== name)),
});
const withHeader = (put: Put, name: string, value: string): Put => ({
  ...put,
  headers: { ...put.headers, [name]: value },
});
const withBody = (put: Put, body: Uint8Array): Put =>
  withHeader({ ...put, body }, "content-length", String(body.length));

/** Tests within a describe. */
export function badUploads(play: () => Play): void {
  let good: Put;
  let key: string;
  before(async () => {
    const { server, cast, epoch } = play();
    const { object, content } = fileOf(epoch, cast.steady.hotkey, zipCodeOf(epoch, 3), "exactly these bytes");
    const { grants } = await server
      .clients(cast.steady)
      .submissions.createUploadGrants({ epochId: epoch.id, objects: [specOf(object)] });
    good = grantedPut(grants[0] ?? assert.fail(), content);
    key = object.key;
  });

  it("of another size or content", async () => {
    const size = `content-length "${good.body.length}"`;
    const sizes = { longer: "exactly these bytes and more", shorter: "exactly", empty: "" };
    await play().harmless(async () => {
      for (const [what, text] of Object.entries(sizes)) {
        await putRefused(what, withBody(good, bytes(text)), 403, size, `"${text.length}"`);
      }
      const other = bytes("EXACTLY these bytes");
      await putRefused("other bytes", withBody(good, other), 400, "MD5", /[0-9a-f]{32}, not [0-9a-f]{32}/);
    });
  });

  it("with a header that is missing or altered", async () => {
    await play().harmless(async () => {
      for (const name of ["content-md5", "content-type", "if-none-match"]) {
        const value = good.headers[name] ?? assert.fail(`${name} is granted`);
        await putRefused(`no ${name}`, without(good, name), 403, name, `"${value}"`, "not none");
        await putRefused(`other ${name}`, withHeader(good, name, "other"), 403, name, `"${value}"`, '"other"');
      }
      const chunked = withHeader(without(good, "content-length"), "transfer-encoding", "chunked");
      await putRefused("chunked", chunked, 411, "content-length");
    });
  });

  it("to another key, another miner's prefix, another epoch, or with an altered address", async () => {
    const { cast, epoch } = play();
    const sha256 = /([0-9a-f]{64})\.parquet/.exec(key)?.[1] ?? assert.fail();
    const zipCode = zipCodeOf(epoch, 3);
    const keys = [
      dataKey(cast.steady.hotkey, epoch.id, zipCode, altered(sha256)),
      dataKey(cast.steady.hotkey, epoch.id, zipCodeOf(epoch, 2), sha256),
      dataKey(cast.swift.hotkey, epoch.id, zipCode, sha256),
      dataKey(cast.steady.hotkey, "20200101T000000Z", zipCode, sha256),
      `records/receipt/${epoch.id}/${cast.steady.hotkey}.bin`,
      `stolen/${sha256}.parquet`,
    ];
    await play().harmless(async () => {
      for (const other of keys) {
        assert.ok(good.url.includes(key));
        await putRefused(other, { ...good, url: good.url.replace(key, other) }, 403, "not a grant of this store");
      }
      for (const [name, value] of new URL(good.url).searchParams) {
        const url = new URL(good.url);
        url.searchParams.set(name, altered(value));
        await putRefused(`${name} altered`, { ...good, url: url.href }, 403, "not a grant of this store");
        url.searchParams.delete(name);
        await putRefused(`no ${name}`, { ...good, url: url.href }, 403, "not a grant of this store");
      }
      const bare = good.url.split("?")[0] ?? "";
      await putRefused("no grant", { ...good, url: bare }, 403, "not a grant of this store");
    });
  });

  it("by another verb", async () => {
    await play().harmless(async () => {
      for (const method of ["POST", "DELETE", "GET"]) {
        await putRefused(method, { ...good, method }, 403, "the grant allows PUT", `not ${method}`);
      }
    });
  });

  it("to a key that is taken, whatever is sent", async () => {
    const { server, cast, epoch } = play();
    const taken = fileOf(epoch, cast.swift.hotkey, zipCodeOf(epoch, 0), "swift's first");
    const other = { ...fileOf(epoch, cast.swift.hotkey, zipCodeOf(epoch, 0), "something else").object };
    const again = specOf(taken.object);
    // The same key, because it names the same SHA-256, which only validators check; the server knows its length.
    const instead = { ...specOf(other), sha256: taken.object.sha256 };
    const { submissions } = server.clients(cast.swift);
    const { grants } = await submissions.createUploadGrants({ epochId: epoch.id, objects: [again] });
    const [grant = assert.fail()] = grants;
    assert.equal(grant.key, taken.object.key);
    await play().harmless(async () => {
      await putRefused("a second upload", grantedPut(grant, taken.content), 412, taken.object.key, "never replaced");
      await refused(submissions.createUploadGrants({ epochId: epoch.id, objects: [instead] }), {
        code: Code.FailedPrecondition,
        reason: "OBJECT_DIFFERS",
        says: [taken.object.sha256, `${again.sizeBytes} bytes`, `${instead.sizeBytes} bytes`],
      });
    });
  });

  it("and the grant still counts", async () => {
    const { status } = await send(good);
    assert.equal(status, 200);
  });
}

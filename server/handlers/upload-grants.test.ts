import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { s3Objects } from "../../adapters/objects/s3/s3-objects.js";
import { parseS3Url } from "../../adapters/objects/s3/s3-url.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import {
  CreateUploadGrantsResponseSchema,
  type ObjectSpec,
  type UploadGrant,
} from "../../gen/zipnet/v1/submission_service_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { FIRST_EPOCH } from "../keeper/world.test-support.js";
import { refused } from "../refused.test-support.js";
import { type ServerRig, startRig } from "../rig.test-support.js";

const never = new AbortController().signal;
const WHOLE = 5_000;
/** What stock gRPC clients take. */
const STOCK_MAX_BYTES = 4 * 1024 * 1024;

const contentOf = (index: number): Uint8Array => new TextEncoder().encode(`file ${index}`);

/** Objects of a submission, spread over the epoch's zip codes. */
function specsOf(epoch: Epoch, count: number): Omit<ObjectSpec, "$typeName">[] {
  return Array.from({ length: count }, (_, index) => {
    const content = contentOf(index);
    const hash = (name: string): string => createHash(name).update(content).digest("hex");
    const zipCode = epoch.zipCodes[index % epoch.zipCodes.length]?.zipCode ?? "";
    return { zipCode, sizeBytes: content.length, md5: hash("md5"), sha256: hash("sha256") };
  });
}

describe("upload grants", () => {
  let rig: ServerRig;
  let alice: Clients;
  let epoch: Epoch;
  beforeEach(async () => {
    rig = await startRig({ storage: { maxObjectsPerEpoch: WHOLE } });
    alice = rig.clients(rig.alice);
    epoch = await rig.openEpoch(FIRST_EPOCH);
  });
  afterEach(() => rig.stop());

  /** Asks until there is no further page; the pages. */
  async function pagesOf(objects: Omit<ObjectSpec, "$typeName">[], pageSize = 0): Promise<UploadGrant[][]> {
    const pages: UploadGrant[][] = [];
    let pageToken = "";
    do {
      const page = await alice.submissions.createUploadGrants({ epochId: epoch.id, objects, pageSize, pageToken });
      assert.ok(toBinary(CreateUploadGrantsResponseSchema, page).length < STOCK_MAX_BYTES);
      pages.push(page.grants);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return pages;
  }

  const grantedObjects = async (): Promise<number> =>
    (await alice.submissions.getSubmission({ epochId: epoch.id })).grantedObjects;

  it("are asked for a whole submission at once, and come in pages that stock clients take", async function () {
    this.timeout(60_000);
    const specs = specsOf(epoch, WHOLE);
    const shasOf = (pages: UploadGrant[][]) => pages.flat().map(({ key }) => /([0-9a-f]+)\.parquet$/.exec(key)?.[1]);
    const inFolder = await pagesOf(specs);
    assert.deepEqual(
      shasOf(inFolder),
      specs.map(({ sha256 }) => sha256),
    );
    assert.equal(await grantedObjects(), WHOLE);
    for (const index of [0, WHOLE - 1]) {
      const { url = "", headers = [] } = inFolder.flat()[index] ?? {};
      assert.equal((await fetchTransfer().put(url, headers, contentOf(index), never)).status, 200);
    }

    // Addresses of S3 are longer, and each costs a signature.
    const s3 = s3Objects(parseS3Url("s3://KEY:SECRET@nyc3.digitaloceanspaces.com/zipnet?region=us-east-1"), rig.clock);
    Object.assign(rig.parts.objects, { grantUpload: s3.grantUpload });
    const turns = { taken: 0 };
    const counting = setInterval(() => (turns.taken += 1), 1);
    try {
      const inBucket = await pagesOf(specs);
      assert.deepEqual(shasOf(inBucket), shasOf(inFolder));
      assert.ok(inBucket.length > 1);
    } finally {
      clearInterval(counting);
    }
    assert.ok(turns.taken > WHOLE / 32, `others had their turn ${turns.taken} times`);
  });

  it("come in smaller pages where that is asked for, and count with the first one", async () => {
    const specs = specsOf(epoch, 7);
    const first = await alice.submissions.createUploadGrants({ epochId: epoch.id, objects: specs, pageSize: 3 });
    assert.equal(first.grants.length, 3);
    assert.equal(await grantedObjects(), 7);
    const pages = await pagesOf(specs, 3);
    assert.deepEqual(
      pages.map(({ length }) => length),
      [3, 3, 1],
    );
    assert.equal(new Set(pages.flat().map(({ key }) => key)).size, 7);
    assert.equal(await grantedObjects(), 7);
  });

  it("go on only with the request that the token was given out for", async () => {
    const specs = specsOf(epoch, 4);
    const ask = (objects: typeof specs, pageToken: string, pageSize = 2) =>
      alice.submissions.createUploadGrants({ epochId: epoch.id, objects, pageSize, pageToken });
    const { nextPageToken } = await ask(specs, "");
    assert.equal((await ask(specs, nextPageToken, 1)).grants.length, 1);
    await refused(ask(specs.slice(1), nextPageToken), "INVALID_FIELD", "page_token");
    await refused(ask(specsOf(epoch, 5), nextPageToken), "INVALID_FIELD", "page_token");
    await refused(ask(specs, "1.0000.2"), "INVALID_FIELD", "page_token");
    assert.equal(await grantedObjects(), 4);
  });
});

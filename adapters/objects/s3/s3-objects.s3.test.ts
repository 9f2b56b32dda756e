import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
} from "@aws-sdk/client-s3";
import { manualClock } from "../../clock/manual-clock.js";
import { systemClock } from "../../clock/system-clock.js";
import { startCarelessS3 } from "../../../test/parts/careless-s3.js";
import { radosgwMissing, startRadosgw, type StartedRadosgw } from "../../../test/parts/radosgw.js";
import { objectStoreContract } from "../contract.js";
import { TRIAL_PREFIX } from "../../../core/object-keys.js";
import { all, text } from "../objects.test-support.js";
import { tryPins } from "../pins/try-pins.js";
import { s3Client } from "./s3-client.js";
import { ensureBucket, s3Objects } from "./s3-objects.js";
import { s3Retention } from "./s3-retention.js";

const missing = radosgwMissing();
const never = new AbortController().signal;
/** Everything that is tried. */
const ALL_PINS = [
  "conditional_puts",
  "content_type",
  "etag",
  "expiry",
  "if_none_match",
  "key",
  "length",
  "listing",
  "md5",
  "method",
  "reading",
  "signature",
];
/** The gateway counts in whole seconds by its own clock. */
const ROUNDING_MS = 1_000;

(missing === undefined ? describe : describe.skip)(
  `S3 on radosgw${missing === undefined ? "" : `: ${missing}`}`,
  function () {
    this.timeout(180_000);
    let gateway: StartedRadosgw;
    before(async () => {
      const started = await startRadosgw();
      assert.ok(!("missing" in started));
      gateway = started;
    });
    after(() => gateway?.stop());

    objectStoreContract("S3 on radosgw", async () => ({
      objects: s3Objects(gateway.settings, systemClock),
      second: s3Objects(gateway.settings, systemClock),
      now: () => systemClock.now(),
      passTime: (untilMs) => systemClock.sleepUntil(untilMs + ROUNDING_MS, never),
      otherStatuses: {
        "other bytes of the same length": 400,
        "a NUL at the end": 400,
        "a broken escape": 405,
        "X-Amz-Credential altered": 400,
      },
      stop: async () => undefined,
    }));

    it("makes a bucket once, and again without harm", async () => {
      const settings = { ...gateway.settings, bucket: "another" };
      await assert.rejects(s3Objects(settings, systemClock).get("a.bin"), { reason: "UNAVAILABLE" });
      await ensureBucket(settings);
      const objects = s3Objects(settings, systemClock);
      assert.equal(await objects.putIfAbsent("a.bin", text("x"), "text/plain"), true);
      await ensureBucket(settings);
      assert.deepEqual(await objects.get("a.bin"), text("x"));
    });

    it("finds out that a service takes no notice of If-None-Match, time and again", async () => {
      const careless = await startCarelessS3(gateway.settings);
      try {
        const objects = s3Objects(careless.settings, systemClock);
        assert.equal(await objects.hasConditionalPuts(), false);
        assert.equal(await objects.hasConditionalPuts(), false);
        assert.equal(await objects.putIfAbsent("careless.bin", text("first"), "text/plain"), true);
        assert.equal(await objects.putIfAbsent("careless.bin", text("second"), "text/plain"), true);
        assert.deepEqual(await objects.get("careless.bin"), text("second"));
        assert.equal(await s3Objects(gateway.settings, systemClock).hasConditionalPuts(), true);
      } finally {
        await careless.stop();
      }
    });

    it("holds every pin of a grant, and keeps nothing of what it refused", async () => {
      const objects = s3Objects(gateway.settings, systemClock);
      const findings = await tryPins(objects, systemClock, never);
      assert.deepEqual(
        findings.filter(({ state }) => state !== "held"),
        [],
      );
      assert.deepEqual(findings.map(({ pin }) => pin).sort(), ALL_PINS);
      const left = (await all(objects.list(TRIAL_PREFIX))).map(({ key }) => key);
      assert.deepEqual(left, [`${TRIAL_PREFIX}listed.bin`]);
    });

    it("is found out where the service checks nothing of a conditional put", async () => {
      const careless = await startCarelessS3(gateway.settings);
      try {
        const findings = await tryPins(s3Objects(careless.settings, systemClock), systemClock, never);
        const gaps = findings.filter(({ state }) => state === "not_held").map(({ pin }) => pin);
        assert.deepEqual(gaps.sort(), [
          "conditional_puts",
          "content_type",
          "expiry",
          "if_none_match",
          "key",
          "length",
          "md5",
          "signature",
        ]);
        const ofMd5 = findings.find(({ pin }) => pin === "md5")?.cases.map(({ what, held }) => [what, held]);
        assert.deepEqual(ofMd5, [
          ["other bytes", false],
          ["other bytes with their own MD5", false],
          ["other bytes without content-md5", false],
        ]);
        const withoutCondition = findings.find(({ pin }) => pin === "if_none_match")?.cases;
        assert.equal(withoutCondition?.find(({ what }) => what === "no if-none-match")?.held, true, "is signed");
      } finally {
        await careless.stop();
      }
    });

    it("cannot be tried with a wrong secret", async () => {
      const objects = s3Objects({ ...gateway.settings, secretAccessKey: "not-the-secret" }, systemClock);
      await assert.rejects(tryPins(objects, systemClock, never), { reason: "UNAVAILABLE", message: /HTTP 403/ });
    });

    it("is told to delete old listings by a rule of ours, beside the rules that others made", async () => {
      const { bucket } = gateway.settings;
      const client = s3Client(gateway.settings);
      const others = { ID: "others", Status: "Enabled" as const, Filter: { Prefix: "logs/" }, Expiration: { Days: 3 } };
      const LifecycleConfiguration = { Rules: [others] };
      await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }));
      const rules = async (): Promise<readonly string[]> => {
        const { Rules = [] } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
        return Rules.map(({ ID, Filter, Expiration }) => `${ID} ${Filter?.Prefix} ${Expiration?.Days}`).sort();
      };
      const retention = s3Retention(gateway.settings);
      const days = (keepDays: number) => ({ keepDays, mayDelete: () => false });
      assert.deepEqual(await retention.apply(days(30), true), { kind: "lifecycle", changes: true });
      assert.deepEqual(await rules(), ["others logs/ 3"]);
      assert.deepEqual(await retention.apply(days(30), false), { kind: "lifecycle", changes: true });
      assert.deepEqual(await rules(), ["others logs/ 3", "zipnet-data data/ 30"]);
      assert.deepEqual(await retention.apply(days(30), false), { kind: "lifecycle", changes: false });
      assert.deepEqual(await retention.apply(days(60), false), { kind: "lifecycle", changes: true });
      assert.deepEqual(await rules(), ["others logs/ 3", "zipnet-data data/ 60"]);
      assert.deepEqual(await retention.apply(days(0), false), { kind: "lifecycle", changes: true });
      assert.deepEqual(await rules(), ["others logs/ 3"]);
      await client.send(new DeleteBucketLifecycleCommand({ Bucket: bucket }));
      assert.deepEqual(await retention.apply(days(0), false), { kind: "lifecycle", changes: false });
      await retention.apply(days(30), false);
      assert.deepEqual(await rules(), ["zipnet-data data/ 30"]);
      assert.deepEqual(await retention.apply(days(0), false), { kind: "lifecycle", changes: true });
      await assert.rejects(rules(), { name: "NoSuchLifecycleConfiguration" });
      client.destroy();
    });

    it("gives up a put when its signal is aborted", async () => {
      const objects = s3Objects(gateway.settings, systemClock);
      const signal = AbortSignal.timeout(1);
      const content = new Uint8Array(20_000_000);
      await assert.rejects(objects.putIfAbsent("large.bin", content, "text/plain", signal), { reason: "UNAVAILABLE" });
    });

    it("is UNAVAILABLE with a wrong secret, and does not tell it", async () => {
      const objects = s3Objects({ ...gateway.settings, secretAccessKey: "not-the-secret" }, systemClock);
      const isPlain = (error: Error): boolean => {
        assert.match(error.message, /HTTP 403/);
        assert.doesNotMatch(error.message + error.stack + JSON.stringify(error), /not-the-secret/);
        return true;
      };
      await assert.rejects(objects.get("a.bin"), isPlain);
      await assert.rejects(objects.head("a.bin"), isPlain);
      await assert.rejects(objects.putIfAbsent("a.bin", text("x"), "text/plain"), isPlain);
      await assert.rejects(objects.list("")[Symbol.asyncIterator]().next(), isPlain);
    });
  },
);

describe("S3 objects", () => {
  const settings = {
    endpoint: "http://127.0.0.1:1",
    region: "us-east-1",
    bucket: "bucket",
    accessKeyId: "key",
    secretAccessKey: "secret",
    forcePathStyle: true,
  };
  const clock = manualClock(Date.UTC(2026, 10, 22, 12, 0, 0, 900));
  const objects = s3Objects(settings, clock);
  const pins = { key: "a.bin", sizeBytes: 1, md5: "0".repeat(32), contentType: "text/plain" };

  it("are UNAVAILABLE when nobody answers", async () => {
    await assert.rejects(objects.get("a.bin"), {
      reason: "UNAVAILABLE",
      message: /127\.0\.0\.1:1 bucket bucket.*read a\.bin/,
    });
  });

  it("are asked for again while the service is too busy", async () => {
    let busyFor = 2;
    let asked = 0;
    const server = createServer((request, response) => {
      request.resume();
      asked += 1;
      busyFor -= 1;
      if (busyFor < 0) return void response.writeHead(404).end();
      response.writeHead(503, { "content-type": "application/xml" });
      response.end("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const busy = s3Objects({ ...settings, endpoint }, clock);
      assert.equal(await busy.get("a.bin"), undefined);
      assert.equal(asked, 3);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("sign every pin as a header, until the last whole second before the moment", async () => {
    const { url, headers } = await objects.grantUpload(pins, clock.now() + 10_200);
    const { searchParams } = new URL(url);
    const signed = "content-length;content-md5;content-type;host;if-none-match";
    assert.equal(searchParams.get("X-Amz-SignedHeaders"), signed);
    assert.deepEqual([...headers.map(({ name }) => name), "content-length", "host"].sort().join(";"), signed);
    assert.equal(searchParams.get("X-Amz-Date"), "20261122T120000Z");
    assert.equal(searchParams.get("X-Amz-Expires"), "11");
  });

  it("grant nothing for longer than the signature can", async () => {
    const tooLateMs = clock.now() + 8 * 24 * 3600 * 1000;
    await assert.rejects(objects.grantUpload(pins, tooLateMs), RangeError);
    await assert.rejects(objects.grantDownload("a.bin", tooLateMs), RangeError);
  });
});

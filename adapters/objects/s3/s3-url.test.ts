import assert from "node:assert/strict";
import fc from "fast-check";
import { formatS3Url, parseS3Url } from "./s3-url.js";

describe("S3 address", () => {
  it("is read whole", () => {
    assert.deepEqual(parseS3Url("s3://KEY:a%2Fb%2Bc@127.0.0.1:7480/zipnet?region=eu-1&tls=off&style=host"), {
      endpoint: "http://127.0.0.1:7480",
      region: "eu-1",
      bucket: "zipnet",
      accessKeyId: "KEY",
      secretAccessKey: "a/b+c",
      forcePathStyle: false,
    });
  });

  it("has defaults for what most services share", () => {
    const settings = parseS3Url("s3://KEY:SECRET@nyc3.digitaloceanspaces.com/zipnet");
    assert.equal(settings.endpoint, "https://nyc3.digitaloceanspaces.com");
    assert.equal(settings.region, "us-east-1");
    assert.equal(settings.forcePathStyle, true);
  });

  it("names everything that is wrong at once, and never the secret", () => {
    const message = (text: string): string => {
      try {
        parseS3Url(text);
      } catch (error) {
        assert.ok(error instanceof RangeError);
        assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /hush/);
        return error.message;
      }
      throw new assert.AssertionError({ message: `${text} was taken` });
    };
    const many = message("s3://:hush@host?tls=maybe&colour=red&region=A_B");
    for (const part of ["no access key id", "no bucket", 'parameter "colour"', "tls=maybe", 'region "A_B"']) {
      assert.ok(many.includes(part), `${part} in: ${many}`);
    }
    assert.match(message("s3://KEY@host/bucket"), /no secret/);
    assert.match(message("s3://KEY:hush@host/UPPER"), /bucket "UPPER"/);
    assert.match(message("s3://KEY:hush@host/a/b"), /bucket "a\/b"/);
    assert.match(message("s3://KEY:hush%zz@host/bucket"), /badly percent-encoded secret/);
    assert.match(message("https://KEY:hush@host/bucket"), /form s3:/);
    assert.match(message("s3://KEY:hush/hush@host/bucket"), /bucket|form/);
    assert.match(message("hush"), /form s3:/);
    assert.match(message(""), /form s3:/);
  });

  it("comes back as it was written", () => {
    const printable = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(
        printable,
        printable,
        fc.boolean(),
        fc.boolean(),
        (accessKeyId, secretAccessKey, tls, forcePathStyle) => {
          const endpoint = tls ? "https://example.com:9000" : "http://127.0.0.1:7480";
          const settings = {
            endpoint,
            region: "us-east-1",
            bucket: "my-bucket.1",
            accessKeyId,
            secretAccessKey,
            forcePathStyle,
          };
          assert.deepEqual(parseS3Url(formatS3Url(settings)), settings);
        },
      ),
    );
  });
});

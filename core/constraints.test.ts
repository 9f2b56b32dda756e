import assert from "node:assert/strict";
import { type DescMessage, create } from "@bufbuild/protobuf";
import * as calibrations from "../gen/zipnet/v1/calibration_pb.js";
import * as epochs from "../gen/zipnet/v1/epoch_pb.js";
import * as epochService from "../gen/zipnet/v1/epoch_service_pb.js";
import * as judging from "../gen/zipnet/v1/judging_service_pb.js";
import * as listings from "../gen/zipnet/v1/listing_pb.js";
import * as records from "../gen/zipnet/v1/record_pb.js";
import * as reports from "../gen/zipnet/v1/report_pb.js";
import * as info from "../gen/zipnet/v1/server_info_service_pb.js";
import * as submissions from "../gen/zipnet/v1/submission_pb.js";
import * as uploads from "../gen/zipnet/v1/submission_service_pb.js";
import { assertValid, hasConstraints, violationsOf } from "./constraints.js";
import { InvalidFieldsError } from "./errors.js";
import { EPOCH_ID, sample, sampledSchemas } from "./samples.test-support.js";

const files = [
  calibrations.file_zipnet_v1_calibration,
  epochs.file_zipnet_v1_epoch,
  epochService.file_zipnet_v1_epoch_service,
  judging.file_zipnet_v1_judging_service,
  listings.file_zipnet_v1_listing,
  records.file_zipnet_v1_record,
  reports.file_zipnet_v1_report,
  info.file_zipnet_v1_server_info_service,
  submissions.file_zipnet_v1_submission,
  uploads.file_zipnet_v1_submission_service,
];

/** Requests, records, and whatever they hold. */
function constrainedSchemas(): DescMessage[] {
  const found = new Map<string, DescMessage>();
  const add = (schema: DescMessage): void => {
    if (found.has(schema.typeName) || !schema.typeName.startsWith("zipnet.v1.")) return;
    found.set(schema.typeName, schema);
    for (const field of schema.fields) if (field.message !== undefined) add(field.message);
  };
  for (const file of files) {
    const isOfRecords = !file.name.endsWith("_service");
    file.messages.filter((schema) => isOfRecords || schema.name.endsWith("Request")).forEach(add);
  }
  return [...found.values()];
}

const schemas = new Map(constrainedSchemas().map((schema) => [schema.name, schema]));

describe("the constraints", () => {
  it("exist for every request, every record and whatever they hold, and each has a sample here", () => {
    const missing = [...schemas.values()].filter((schema) => !hasConstraints(schema)).map((schema) => schema.typeName);
    assert.deepEqual(missing, []);
    assert.ok(schemas.size >= 33, `only ${schemas.size} found`);
    assert.deepEqual(new Set(sampledSchemas().map((schema) => schema.name)), new Set(schemas.keys()));
  });

  it("refuse to judge a kind of message without an entry", () => {
    const schema = epochService.CaughtUpSchema;
    assert.throws(() => violationsOf(schema, create(schema)), { name: "TypeError", message: /zipnet\.v1\.CaughtUp/ });
  });

  for (const schema of schemas.values()) {
    it(`pass a valid ${schema.name}`, () => {
      assert.deepEqual(violationsOf(schema, sample(schema)), []);
    });
  }

  it("name all violations at once, with path, value and rule", () => {
    const message = sample(submissions.ManifestSchema);
    const object = message.objects[1];
    assert.ok(object !== undefined);
    Object.assign(object, { zipCode: "9810", md5: "x".repeat(100) });
    Object.assign(message, { netuid: 65_536 });
    const violations = violationsOf(submissions.ManifestSchema, message);
    assert.deepEqual(
      violations.map((violation) => violation.field),
      ["netuid", "objects[1].zip_code", "objects[1].md5", "objects[1].zip_code", "objects[1].key"],
    );
    assert.equal(violations[0]?.description, "is 65536, but must be a whole number from 0 to 65,535");
    assert.equal(violations[1]?.description, 'is "9810", but must be five digits');
    assert.equal(violations[2]?.description, `is "${"x".repeat(59)}…", but must be 32 lower-case hexadecimal digits`);
    assert.throws(
      () => assertValid(submissions.ManifestSchema, message),
      (error) =>
        error instanceof InvalidFieldsError && error.violations.length === 5 && error.reason === "INVALID_FIELD",
    );
  });

  it("keep an error's text short however much is wrong", () => {
    const entry = create(uploads.ObjectSpecSchema);
    const message = create(uploads.CreateUploadGrantsRequestSchema, {
      epochId: EPOCH_ID,
      objects: Array(500).fill(entry),
    });
    assert.throws(
      () => assertValid(uploads.CreateUploadGrantsRequestSchema, message),
      (error) =>
        error instanceof InvalidFieldsError &&
        error.violations.length === 2_000 &&
        error.message.endsWith("; and 1980 more"),
    );
  });
});

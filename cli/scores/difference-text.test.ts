import assert from "node:assert/strict";
import { clone } from "@bufbuild/protobuf";
import { diffReports } from "../../core/judging/report-diff.js";
import { sample } from "../../core/samples.test-support.js";
import { ListingVerdict, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { differenceText } from "./difference-text.js";

describe("zipnet report diff", () => {
  const first = sample(ReportSchema);

  it("says that tables are the same, with who judged when", () => {
    const text = differenceText([first, first], diffReports(first, first));
    assert.match(text, /the same, byte for byte/);
    assert.match(text, new RegExp(`second {2}${first.validator}, judged 2026-`));
  });

  it("shows what each found of a listing, and the weights", () => {
    const second = clone(ReportSchema, first);
    const [piece = assert.fail()] = second.evidence;
    Object.assign(piece, { verdict: ListingVerdict.UNKNOWN, note: "no answer", adoptedFrom: [first.validator] });
    const [weight = assert.fail()] = second.table?.weights ?? [];
    weight.weightBps -= 100;
    const text = differenceText([first, second], diffReports(first, second));
    assert.match(text, /1.00 % of the weight goes to other miners/);
    assert.match(text, /spot check .* UNKNOWN, adopted from 1 validators: no answer/);
  });
});

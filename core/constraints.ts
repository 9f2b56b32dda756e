/**
 * What a message must keep beyond its types: the ranges and forms that the contract's comments state. One entry per
 * request and per record; answers of services have none, because who answers has made them.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { catalogueChoice, settledReport, settlement } from "./constraints/calibration.js";
import { calibration, catalogue, catalogueEntry } from "./constraints/catalogue.js";
import { assignedZipCode, epoch } from "./constraints/epoch.js";
import { evidence, fieldDifference } from "./constraints/evidence.js";
import { listing } from "./constraints/listing.js";
import { type Check, collect } from "./constraints/message.js";
import { seedBlock, signedRecord } from "./constraints/record.js";
import { report } from "./constraints/report.js";
import { requests } from "./constraints/requests.js";
import { rules, stateWeight } from "./constraints/rules.js";
import { hotkeyWeight, lostPoints, minerScore, scoreTable, zipCodeCount } from "./constraints/score.js";
import { epochExtension, manifest, manifestObject, progress, receipt, snapshot } from "./constraints/submission.js";
import { type FieldViolation, InvalidFieldsError } from "./errors.js";

const epochs = [epoch, assignedZipCode, rules, stateWeight, catalogue, catalogueEntry] as const;
const records = [signedRecord, seedBlock, listing] as const;
const catalogues = [calibration, catalogueChoice, settlement, settledReport] as const;
const submissions = [manifest, manifestObject, receipt, snapshot, epochExtension, progress] as const;
const reports = [
  report,
  scoreTable,
  hotkeyWeight,
  minerScore,
  lostPoints,
  zipCodeCount,
  evidence,
  fieldDifference,
] as const;

const entries: readonly { readonly schema: DescMessage; readonly check: Check<never> }[] = [
  ...epochs,
  ...records,
  ...catalogues,
  ...submissions,
  ...reports,
  ...requests,
];

const checks = new Map(entries.map((entry) => [entry.schema.typeName, entry.check]));

/** Whether a kind of message has constraints; the others are refused by the functions below. */
export function hasConstraints(schema: DescMessage): boolean {
  return checks.has(schema.typeName);
}

/**
 * Every rule that the message breaks, in the order of its fields; empty when it keeps all. Throws TypeError for a kind
 * of message without constraints.
 */
export function violationsOf<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): FieldViolation[] {
  const check = checks.get(schema.typeName) as Check<MessageShape<Desc>> | undefined;
  if (check === undefined) throw new TypeError(`no constraints are written for ${schema.typeName}`);
  return collect(check, message);
}

/** Throws InvalidFieldsError with every rule that the message breaks. TypeError as violationsOf. */
export function assertValid<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void {
  const violations = violationsOf(schema, message);
  if (violations.length > 0) throw new InvalidFieldsError(schema.typeName, violations);
}

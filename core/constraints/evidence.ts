/** Constraints of Evidence in zipnet/v1/report.proto. */
import { ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { type Evidence, EvidenceSchema, FieldDifferenceSchema, ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import {
  anything,
  ascending,
  emptyOr,
  every,
  integer,
  list,
  moment,
  required,
  specified,
  text,
  that,
} from "./combinators.js";
import { hotkey, sha256 } from "./common.js";
import { constraintsOn, type CrossCheck } from "./message.js";
import { show } from "./show.js";

const listingFields = new Map(ListingSchema.fields.map((field) => [field.name, field.number]));

/** FieldDifference. */
export const fieldDifference = constraintsOn(FieldDifferenceSchema, {
  field: that((value) => listingFields.has(value), "be the name of a field of Listing"),
  submitted: text(0, 300),
  observed: text(0, 300),
  mayHaveChanged: anything(),
});

const checkEvidence: CrossCheck<Evidence> = (evidence, at, tell) => {
  const [head, zip, ...rest] = evidence.id.split("/");
  const named =
    head === evidence.hotkey && /^\d{5}$/.test(zip ?? "") && rest.join("/") === evidence.submitted?.listingId;
  if (!named) tell(at("id"), `is ${show(evidence.id)}`, 'be "<hotkey>/<zip code>/<listing id>"');
  evidence.differences.forEach((difference, i) => {
    const before = listingFields.get(evidence.differences[i - 1]?.field ?? "") ?? 0;
    const here = listingFields.get(difference.field) ?? before + 1;
    if (here <= before)
      tell(at(`differences[${i}].field`), `is ${show(difference.field)}`, "come in the order of Listing");
  });
};

/** Evidence. */
export const evidence = constraintsOn(
  EvidenceSchema,
  {
    id: anything(),
    hotkey,
    // A judgement quotes what was submitted even where it breaks the rules for listings; a liar must not be able to
    // keep a report from being sealed.
    submitted: required(anything()),
    verdict: specified(ListingVerdict),
    url: text(0, 500),
    fetchedTime: required(moment("nanoseconds")),
    pageSha256: emptyOr(sha256),
    httpStatus: that(
      (value) => value === 0 || (Number.isInteger(value) && value >= 100 && value <= 999),
      "be an HTTP status or 0",
    ),
    differences: list(0, ListingSchema.fields.length, fieldDifference.check),
    note: text(0, 300),
    // Whatever the source shows.
    observed: anything(),
    lookUps: integer(0),
    adoptedFrom: every(
      list(0, 256, hotkey),
      ascending<string>((value) => value),
    ),
  },
  checkEvidence,
);

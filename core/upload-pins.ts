/** What a service turns out to hold of what a grant pins, and what follows where it does not. */

/** What zipnet counts on. */
export type PinName =
  | "length"
  | "md5"
  | "content_type"
  | "if_none_match"
  | "expiry"
  | "key"
  | "signature"
  | "method"
  | "reading"
  | "conditional_puts"
  | "listing"
  | "etag";

/** One attempt that the service ought to refuse, or to answer in one way. */
export interface TriedCase {
  /** What was tried, for people. */
  readonly what: string;
  /** What came of it, for people, for example "HTTP 403". */
  readonly answer: string;
  /** Whether the service did as it ought to; undefined when no answer says so. */
  readonly held: boolean | undefined;
}

/** What was found out of one pin. */
export interface PinFinding {
  readonly pin: PinName;
  /** "unknown" where the service gave no clear answer, for example a 503. */
  readonly state: "held" | "not_held" | "unknown";
  readonly cases: readonly TriedCase[];
}

/** What follows from a pin that the service does not hold. */
export interface PinRemedy {
  /** Whether zipnet's promises hold all the same. */
  readonly isClosed: boolean;
  /** What zipnet does about it, or what the owner has to do. */
  readonly text: string;
}

const FINALIZE = "finalizing refuses every object whose length or MD5 is not the manifest's";
const OTHER_SERVICE = "nothing closes this gap: take another service, or correct the bucket's policy";

const REMEDIES: Readonly<Record<PinName, PinRemedy>> = {
  length: { isClosed: true, text: FINALIZE },
  md5: { isClosed: true, text: FINALIZE },
  content_type: { isClosed: true, text: "nothing is needed: files are told by key and content, never by type" },
  if_none_match: {
    isClosed: true,
    text: "a key is granted for one content only, and validators refuse what is not of the manifest's SHA-256",
  },
  expiry: { isClosed: false, text: OTHER_SERVICE },
  key: { isClosed: false, text: OTHER_SERVICE },
  signature: { isClosed: false, text: OTHER_SERVICE },
  method: { isClosed: false, text: OTHER_SERVICE },
  reading: { isClosed: false, text: "anybody may read submissions before the close: make the bucket private" },
  conditional_puts: { isClosed: true, text: "records are written under locks in Redis, or by one server alone" },
  listing: { isClosed: false, text: OTHER_SERVICE },
  etag: { isClosed: true, text: "finalizing reads every object to find its MD5, which takes time and transfer" },
};

/** What follows where a pin is not held. */
export function remedyOf(pin: PinName): PinRemedy {
  return REMEDIES[pin];
}

/** A finding by what was tried: held where every case is, unknown where no case says otherwise and one says nothing. */
export function findingOf(pin: PinName, cases: readonly TriedCase[]): PinFinding {
  if (cases.some(({ held }) => held === false)) return { pin, state: "not_held", cases };
  return { pin, state: cases.every(({ held }) => held === true) ? "held" : "unknown", cases };
}

import { type MessageInitShape, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  CreateDownloadGrantsRequestSchema,
  type DownloadGrant,
  DownloadGrantSchema,
  type JudgingService,
  type SubmissionGrantsSchema,
} from "../../gen/zipnet/v1/judging_service_pb.js";
import { SignedRecordSchema } from "../../gen/zipnet/v1/record_pb.js";
import { ManifestSchema, type Receipt, ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { callerOf } from "../../rpc/auth/callers.js";
import type { ClosedEpoch } from "../epoch-book.js";
import type { ServerParts } from "../parts.js";
import { readManifest } from "../submissions.js";
import { type PageBytes, pageBytes } from "./page-bytes.js";
import { decodePageToken, encodePageToken } from "./page-tokens.js";

const TYPE_NAME = CreateDownloadGrantsRequestSchema.typeName;
const DEFAULT_PAGE_SIZE = 1_000;

/** Where a page begins: an object of a miner's manifest. */
interface GrantPosition {
  readonly hotkey: string;
  /** Index in the manifest's objects. */
  readonly object: number;
}

/** The position as it stands in a token. */
function positionText({ hotkey, object }: GrantPosition): string {
  return `${hotkey}/${object}`;
}

/** The position in a token's text; the very beginning for the empty text. */
function readPosition(text: string): GrantPosition {
  const [hotkey = "", object = "0"] = text.split("/");
  return { hotkey, object: Number(object) };
}

/** The receipts of a snapshot that a page may speak of, ascending by hotkey. */
function receiptsFrom(
  { snapshot, hotkeysToRead }: Pick<ClosedEpoch, "snapshot" | "hotkeysToRead">,
  hotkeys: readonly string[],
  start: GrantPosition,
): Receipt[] {
  const asked = new Set(hotkeys);
  return snapshot.receipts
    .map((record) => fromBinary(ReceiptSchema, record.payload))
    .filter(({ hotkey }) => (asked.size === 0 || asked.has(hotkey)) && hotkeysToRead.has(hotkey))
    .filter(({ hotkey }) => hotkey >= start.hotkey)
    .toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
}

type Submission = MessageInitShape<typeof SubmissionGrantsSchema>;

/** Grants reading the submissions of a closed epoch, page by page. */
export function createDownloadGrants(parts: ServerParts): ServiceImpl<typeof JudgingService>["createDownloadGrants"] {
  const { book, clock, limits } = parts;
  return async (request, context) => {
    const closed = await book.closed(request.epochId);
    const question = [request.epochId, ...request.hotkeys.toSorted()].join(" ");
    const start = readPosition(decodePageToken(TYPE_NAME, question, request.pageToken));
    const page = newPage(request.pageSize || DEFAULT_PAGE_SIZE);
    const expiryMs = clock.now() + limits.grantTtlSeconds * 1000;
    let nextPageToken = "";
    for (const receipt of receiptsFrom(closed, request.hotkeys, start)) {
      const first = receipt.hotkey === start.hotkey ? start.object : 0;
      const next = await addSubmission(parts, page, receipt, first, expiryMs);
      if (next === undefined) continue;
      nextPageToken = encodePageToken(question, positionText(next));
      break;
    }
    const { objects, bytes } = page.granted;
    const { hotkey } = callerOf(context);
    const facts = { event: "downloads_granted", epoch_id: request.epochId, hotkey, objects, bytes };
    parts.log.info(facts, `${hotkey} may download ${objects} objects, ${bytes} bytes, of epoch ${request.epochId}`);
    return { submissions: page.submissions, nextPageToken };
  };
}

interface Page {
  readonly submissions: Submission[];
  readonly bytes: PageBytes;
  objectsLeft: number;
  /** What the grants of the page let download. */
  readonly granted: { objects: number; bytes: number };
}

function newPage(pageSize: number): Page {
  return { submissions: [], bytes: pageBytes(), objectsLeft: pageSize, granted: { objects: 0, bytes: 0 } };
}

/** Adds a miner's objects from an index on; the position to go on from when the page is full before its end. */
async function addSubmission(
  { objects }: ServerParts,
  page: Page,
  receipt: Receipt,
  first: number,
  expiryMs: number,
): Promise<GrantPosition | undefined> {
  if (page.objectsLeft === 0) return { hotkey: receipt.hotkey, object: first };
  const record = await readManifest(objects, receipt);
  const manifest = fromBinary(ManifestSchema, record.payload);
  if (first === 0 && !page.bytes.take(toBinary(SignedRecordSchema, record).length)) {
    return { hotkey: receipt.hotkey, object: 0 };
  }
  const grants: DownloadGrant[] = [];
  let next: GrantPosition | undefined;
  for (const [index, { key, sizeBytes }] of manifest.objects.entries()) {
    if (index < first) continue;
    const url = page.objectsLeft === 0 ? "" : await objects.grantDownload(key, expiryMs);
    if (page.objectsLeft === 0 || !(await page.bytes.takeGrant(key, url))) {
      next = { hotkey: receipt.hotkey, object: index };
      break;
    }
    page.objectsLeft -= 1;
    page.granted.objects += 1;
    page.granted.bytes += sizeBytes;
    grants.push(create(DownloadGrantSchema, { key, url, expireTime: timestampFromMs(expiryMs) }));
  }
  if (grants.length > 0) {
    page.submissions.push({ hotkey: receipt.hotkey, ...(first === 0 ? { manifest: record } : {}), grants });
  }
  return next;
}

/**
 * Page tokens: where a listing goes on, bound to what was asked for, so that a token of another question is refused.
 */
import { InvalidFieldsError } from "../../core/errors.js";
import { sha256Hex, utf8ToBytes } from "../../core/hash.js";

const VERSION = "1";
const SUM_LENGTH = 16;

function sumOf(question: string, position: string): string {
  return sha256Hex(utf8ToBytes(`${question}\n${position}`)).slice(0, SUM_LENGTH);
}

/** A token for a position in the answer to a question. ASCII, 20 characters longer than the position. */
export function encodePageToken(question: string, position: string): string {
  return `${VERSION}.${sumOf(question, position)}.${position}`;
}

/**
 * The position in a token; empty for the empty token, which asks for the first page. Throws InvalidFieldsError for a
 * token that was not given out for this question.
 */
export function decodePageToken(typeName: string, question: string, token: string): string {
  if (token === "") return "";
  const [version, sum, ...rest] = token.split(".");
  const position = rest.join(".");
  if (version === VERSION && sum === sumOf(question, position)) return position;
  throw new InvalidFieldsError(typeName, [
    {
      field: "page_token",
      description: `is ${JSON.stringify(token.slice(0, 40))}, but must be the next_page_token of an answer to the same request`,
    },
  ]);
}

/**
 * Keys as paths below a folder, and back. In the layout that we use (folders without a dot, files with one) the path
 * is the key, so that DuckDB and Spark read the folder as it is. Marks, which no key can hold, do the rest: "a" and
 * "a/b" may both be objects, and a segment may be longer than a file name.
 */

/** File systems allow 255 bytes; room is left for the mark. */
const MAX_NAME_LENGTH = 250;

/** Names on the way from the folder to the object's file. The key keeps the rules of assertObjectKey. */
export function namesOfKey(key: string): string[] {
  const segments = key.split("/");
  return segments.flatMap((segment, index) => namesOfSegment(segment, index === segments.length - 1));
}

function namesOfSegment(segment: string, isFile: boolean): string[] {
  if (segment.length <= MAX_NAME_LENGTH) return [segment.includes(".") === isFile ? segment : `${segment}~`];
  const names: string[] = [];
  for (let at = 0; at < segment.length; at += MAX_NAME_LENGTH) names.push(segment.slice(at, at + MAX_NAME_LENGTH));
  return names.map((name, index) => (index < names.length - 1 ? `${name}~c` : `${name}${isFile ? "~f" : "~d"}`));
}

/** What a name found below the folder stands for: a part of a key, and whether the segment goes on in the folder's entries. */
export function partOfName(name: string): { readonly text: string; readonly continues: boolean } {
  return { text: name.replace(/~[cdf]?$/, ""), continues: name.endsWith("~c") };
}

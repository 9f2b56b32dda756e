/** The rules for keys, the same for every object store. */

const ALLOWED = /^[A-Za-z0-9=\-_./]*$/;
const MAX_LENGTH = 512;

/** Throws a RangeError, naming the key and the rule it breaks, unless the key is one of ObjectStore. */
export function assertObjectKey(key: string): void {
  const broken = brokenRule(key, MAX_LENGTH);
  if (broken !== undefined) throw new RangeError(`the object key ${shown(key)} ${broken}`);
}

/** Throws a RangeError for a prefix that no key can begin with. The empty prefix is that of all keys. */
export function assertObjectPrefix(prefix: string): void {
  // Whatever follows, the rules for the segments that are complete already decide.
  const broken = prefix === "" ? undefined : brokenRule(`${prefix}x`, MAX_LENGTH + 1);
  if (broken !== undefined) throw new RangeError(`the key prefix ${shown(prefix)} ${broken}`);
}

function brokenRule(key: string, maxLength: number): string | undefined {
  if (key === "") return "is empty";
  if (key.length > maxLength) return `has ${key.length} characters, but may have ${MAX_LENGTH} at most`;
  if (!ALLOWED.test(key)) return "has a character other than A-Z a-z 0-9 = - _ . /";
  const bad = key.split("/").find((segment) => segment === "" || segment === "." || segment === "..");
  return bad === undefined ? undefined : `has the segment "${bad}" between its slashes`;
}

function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}...` : key);
}

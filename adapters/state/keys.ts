/** A key of local state: as in the object store. Throws a RangeError for anything else. */
export function assertStateKey(key: string): string {
  const segments = key.split("/");
  if (key.length > 512 || segments.some((segment) => !/^[A-Za-z0-9=_.-]+$/.test(segment) || /^\.\.?$/.test(segment))) {
    throw new RangeError(`${JSON.stringify(key.slice(0, 80))} is no key of local state`);
  }
  return key;
}

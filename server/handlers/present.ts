/** A part of a request that its constraints require. The edge has refused requests without it; this tells the compiler. */
export function present<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new Error(`${field} is missing, although the constraints of its request require it`);
  return value;
}

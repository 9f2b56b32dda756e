/** The greatest common divisor of whole numbers from 0; that of 0 and a number is the number. */
export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

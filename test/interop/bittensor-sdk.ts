/**
 * The Bittensor tools in Python, asked by bittensor_sdk.py.
 */
import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("bittensor_sdk.py", import.meta.url));
/** Where .ci/run puts them. */
const OWN_PYTHON = fileURLToPath(new URL("../../.zipnet/bittensor/bin/python", import.meta.url));

const python = [OWN_PYTHON, "python3"].find(
  (path) => spawnSync(path, ["-c", "import bittensor.http_auth, bittensor_drand"]).status === 0,
);

/** Why the tools cannot be asked; undefined where they can. */
export const missingSdk = python === undefined ? "skipped: no Python with bittensor and bittensor-drand" : undefined;

/** Has a job of bittensor_sdk.py done. Rejects where it fails, with what it says. */
export function askSdk<T>(job: string, input: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 26, timeout: 50_000 };
    const child = execFile(python ?? "", [PROGRAM, job], options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as T);
      else reject(new Error(`${error.message}\n${stderr}`, { cause: error }));
    });
    child.stdin?.end(JSON.stringify(input));
  });
}

/** Bytes as bittensor_sdk.py has them. */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What hex() wrote. */
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

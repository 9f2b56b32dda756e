/**
 * DuckDB reading the same files: every value of every column, and nothing done with them. By Python's duckdb module, which
 * `pip install duckdb` brings.
 */
import { spawnSync } from "node:child_process";
import { ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";

const PYTHON = `
import json, sys, time
import duckdb
query, rounds = sys.argv[1], int(sys.argv[2])
connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false")
runs = []
for _ in range(rounds):
    wall, processor = time.time(), time.process_time()
    rows = connection.execute(query).fetchall()[0][0]
    runs.append({"seconds": time.time() - wall, "processorSeconds": time.process_time() - processor, "rows": rows})
print(json.dumps({"version": duckdb.__version__, "runs": runs}))
`;

/** One scan of all files. */
export interface Scan {
  readonly seconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
  readonly rows: number;
}

/** Scans the files of a glob so many times with all processors, or says why not. python: the interpreter's command. */
export function duckdbScans(
  glob: string,
  rounds: number,
  python: string,
): { readonly version: string; readonly runs: readonly Scan[] } | { readonly missing: string } {
  // max() has each value decoded; what a count alone would not.
  const columns = ListingSchema.fields.map(({ name }) => `max(${name})`).join(", ");
  const query = `SELECT count(*), ${columns} FROM read_parquet('${glob}')`;
  const { error, status, stdout, stderr } = spawnSync(python, ["-c", PYTHON, query, String(rounds)], {
    encoding: "utf8",
  });
  if (error !== undefined) return { missing: `there is no ${python} here` };
  if (status !== 0) return { missing: stderr.trim().split("\n").at(-1) ?? `${python} failed` };
  return JSON.parse(stdout) as { version: string; runs: Scan[] };
}

/**
 * What validators agree on that an epoch held.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { type SettledReport, SettledReportSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import { ScoreTableSchema, type ZipCodeCount } from "../../gen/zipnet/v1/report_pb.js";
import { sha256Hex } from "../hash.js";
import { byText } from "../judging/apportion.js";

/** A report as far as settling goes. */
export interface CountedReport {
  readonly validator: string;
  /** SHA-256 of its payload bytes. */
  readonly sha256: string;
  readonly zipCodes: readonly ZipCodeCount[];
}

/** What is to be settled. */
export interface SettleInput {
  /** Valid reports of the epoch, one per validator, in any order. */
  readonly reports: readonly CountedReport[];
  /** Stakes in rao of all validators with permit and enough stake, by hotkey. Reports of others do not count. */
  readonly stakes: ReadonlyMap<string, bigint>;
  /** Zip codes of the epoch; counts of others are left out. */
  readonly assigned: ReadonlySet<string>;
}

/** A settlement but for what it is of. */
export interface Settled {
  readonly validatorStakeRao: bigint;
  readonly reports: SettledReport[];
  readonly zipCodes: ZipCodeCount[];
}

/**
 * Settles: the counts, byte for byte, that reports with the most stake agree on, where that is more than half of the
 * stake that reported, and at least a third of all stake reported; else none. What else reports say does not matter.
 */
export function settle({ reports, stakes, assigned }: SettleInput): Settled {
  const counted = reports
    .flatMap((report) => {
      const stakeRao = stakes.get(report.validator);
      return stakeRao === undefined ? [] : [{ ...report, stakeRao, counts: countsSha256(report.zipCodes) }];
    })
    .sort((a, b) => byText(a.validator, b.validator));
  const backing = new Map<string, bigint>();
  for (const { counts, stakeRao } of counted) backing.set(counts, (backing.get(counts) ?? 0n) + stakeRao);
  const validatorStakeRao = sumOf(stakes.values());
  const reportedRao = sumOf(backing.values());
  const [taken] = [...backing].find(([, stakeRao]) => stakeRao * 2n > reportedRao) ?? [];
  const agreed = reportedRao * 3n >= validatorStakeRao ? counted.filter(({ counts }) => counts === taken) : [];
  return {
    validatorStakeRao,
    reports: counted.map(({ validator, stakeRao, sha256, counts }) => {
      const agrees = agreed.length > 0 && counts === taken;
      return create(SettledReportSchema, { validator, stakeRao, reportSha256: sha256, agrees });
    }),
    zipCodes: (agreed[0]?.zipCodes ?? []).filter(({ zipCode }) => assigned.has(zipCode)),
  };
}

function countsSha256(zipCodes: readonly ZipCodeCount[]): string {
  return sha256Hex(toBinary(ScoreTableSchema, create(ScoreTableSchema, { zipCodes: [...zipCodes] })));
}

function sumOf(stakes: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const stakeRao of stakes) sum += stakeRao;
  return sum;
}

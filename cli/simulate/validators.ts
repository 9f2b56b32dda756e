/** The validators of a simulated network, and the weights that each sets. */
import type { HotkeyWeight } from "../../gen/zipnet/v1/report_pb.js";
import type { UidWeight } from "../../core/ports.js";
import { uidWeights } from "../../core/weights.js";
import { type YumaResult, yumaConsensus } from "../../core/yuma.js";
import type { SubnetNeurons } from "./neurons.js";

/** How a validator behaves. */
export type ValidatorKind =
  /** Judges by itself, every epoch, at its own time. */
  | "honest"
  /** Judges nothing; sets what the chain's consensus was a tempo before. */
  | "lazy"
  /** Gives half of its weight to a miner of its own, and the rest as the honest do. */
  | "colluding"
  /** Set weights once, and is away since. */
  | "offline";

/** A validator. */
export interface Validator {
  readonly hotkey: string;
  readonly kind: ValidatorKind;
  readonly stakeRao: bigint;
}

const TAO = 1_000_000_000n;

/** Three honest validators with four fifths of the stake, and one of each other kind. */
export const VALIDATORS: readonly Validator[] = [
  ...[1, 2, 3].map((n): Validator => ({ hotkey: `validator-${n}`, kind: "honest", stakeRao: 27_000n * TAO })),
  { hotkey: "validator-lazy", kind: "lazy", stakeRao: 8_000n * TAO },
  { hotkey: "validator-colluding", kind: "colluding", stakeRao: 8_000n * TAO },
  { hotkey: "validator-offline", kind: "offline", stakeRao: 4_000n * TAO },
];

/** The miner that the colluding validator favours. */
const FAVOURED = "fabricator-100-1";

/** Weights by the tables that are in force, tempo by tempo. */
export class WeightRows {
  private readonly rows = new Map<string, readonly UidWeight[]>();
  private last: YumaResult | undefined;

  constructor(private readonly neurons: SubnetNeurons) {}

  /**
   * Runs one tempo: everybody who is there sets its weights, and the consensus runs. Undefined while nobody has any.
   *
   * @param tables by honest validator, what its table in force says.
   */
  tempo(tables: ReadonlyMap<string, readonly HotkeyWeight[]>): YumaResult | undefined {
    const [anyTable] = tables.values();
    if (anyTable === undefined) return undefined;
    for (const validator of VALIDATORS) {
      const row = this.rowOf(validator, tables.get(validator.hotkey) ?? anyTable);
      if (row !== undefined && row.length > 0) this.rows.set(validator.hotkey, row);
    }
    const validators = VALIDATORS.flatMap(({ hotkey, stakeRao }) => {
      const weights = this.rows.get(hotkey);
      return weights === undefined ? [] : [{ uid: this.neurons.uidOf(hotkey), stakeRao, weights }];
    });
    this.last = yumaConsensus({ neuronCount: this.neurons.count, validators });
    return this.last;
  }

  private rowOf({ hotkey, kind }: Validator, table: readonly HotkeyWeight[]): readonly UidWeight[] | undefined {
    const own = uidWeights(table, this.neurons.metagraph).weights;
    if (kind === "honest") return own;
    if (kind === "offline") return this.rows.get(hotkey) ?? own;
    if (kind === "lazy") {
      return this.last?.consensus.map((part, uid) => ({ uid, weightU16: Math.round(part * 65_535) }));
    }
    const halves = own.map(({ uid, weightU16 }) => ({ uid, weightU16: Math.floor(weightU16 / 2) }));
    const sum = halves.reduce((total, { weightU16 }) => total + weightU16, 0);
    const favoured = this.neurons.uidOf(FAVOURED);
    if (favoured === -1) return own;
    return [...halves.filter(({ uid }) => uid !== favoured), { uid: favoured, weightU16: Math.min(65_535, sum) }];
  }
}

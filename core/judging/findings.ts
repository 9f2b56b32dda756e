/**
 * What is found in the rows of a submission, gathered as a report has room for it.
 */
import type { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { MAX_TOLD_PER_REASON, type RowFinding, type SubmissionCheck, type UntoldFindings } from "./submission-check.js";

/** The first findings of each reason one by one, the rest summed up. */
export class Findings {
  readonly findings: RowFinding[];
  readonly untold: Map<LossReason, UntoldFindings>;
  private readonly toldCount = new Map<LossReason, number>();

  /** @param before what is gathered already. */
  constructor(before?: Pick<SubmissionCheck, "findings" | "untold">) {
    this.findings = [...(before?.findings ?? [])];
    this.untold = new Map(before?.untold);
    for (const { reason } of this.findings) this.toldCount.set(reason, this.told(reason) + 1);
  }

  add(finding: RowFinding): void {
    const { reason, lostRowBps } = finding;
    if (this.told(reason) < MAX_TOLD_PER_REASON) {
      this.toldCount.set(reason, this.told(reason) + 1);
      this.findings.push(finding);
      return;
    }
    const before = this.untold.get(reason) ?? { count: 0, lostRowBps: 0 };
    this.untold.set(reason, { count: before.count + 1, lostRowBps: before.lostRowBps + lostRowBps });
  }

  private told(reason: LossReason): number {
    return this.toldCount.get(reason) ?? 0;
  }
}

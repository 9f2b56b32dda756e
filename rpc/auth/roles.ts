/**
 * Who may call what. One table; a procedure that does not stand in it is not served.
 */
import type { DescService } from "@bufbuild/protobuf";

/** What a registered hotkey is allowed to be. A validator is also a miner: it is registered. */
export type Role = "miner" | "validator" | "owner";

const EVERY_ROLE: readonly Role[] = ["miner", "validator", "owner"];

/** Roles that may call a procedure, or "anyone" where no signature is asked for. */
export const ROLES: Readonly<Record<string, readonly Role[] | "anyone">> = {
  "/zipnet.v1.EpochService/WatchEpochs": EVERY_ROLE,
  "/zipnet.v1.EpochService/GetEpoch": EVERY_ROLE,
  "/zipnet.v1.EpochService/ListEpochs": EVERY_ROLE,
  "/zipnet.v1.SubmissionService/CreateUploadGrants": ["miner"],
  "/zipnet.v1.SubmissionService/FinalizeSubmission": ["miner"],
  "/zipnet.v1.SubmissionService/ReportProgress": ["miner"],
  "/zipnet.v1.SubmissionService/GetSubmission": ["miner"],
  "/zipnet.v1.JudgingService/GetSnapshot": ["validator"],
  "/zipnet.v1.JudgingService/CreateDownloadGrants": ["validator"],
  "/zipnet.v1.JudgingService/PublishReport": ["validator"],
  "/zipnet.v1.JudgingService/ListReports": EVERY_ROLE,
  "/zipnet.v1.JudgingService/ExplainScore": EVERY_ROLE,
  "/zipnet.v1.JudgingService/GetCalibration": EVERY_ROLE,
  "/zipnet.v1.ServerInfoService/GetServerInfo": "anyone",
  "/grpc.health.v1.Health/Check": "anyone",
  "/grpc.health.v1.Health/Watch": "anyone",
  "/grpc.health.v1.Health/List": "anyone",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "anyone",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "anyone",
};

/** Of what is open to anyone: a call that is signed all the same is checked, and then belongs to its hotkey. */
export const OPTIONALLY_SIGNED: ReadonlySet<string> = new Set(["/zipnet.v1.ServerInfoService/GetServerInfo"]);

/** A procedure's path, for example "/zipnet.v1.EpochService/GetEpoch". */
export function procedureOf(method: { readonly parent: { readonly typeName: string }; readonly name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Throws an Error that names every procedure of the services that the table lacks. */
export function assertEveryProcedureHasRole(services: readonly DescService[]): void {
  const missing = services
    .flatMap((service) => service.methods.map(procedureOf))
    .filter((procedure) => ROLES[procedure] === undefined);
  if (missing.length > 0) throw new Error(`no role is declared for ${missing.join(", ")}; add it to rpc/auth/roles.ts`);
}

/** Grants, manifests and progress that make no sense. */
import { Code } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import { dataKey } from "../../../core/object-keys.js";
import { SignedRecordSchema, type SignedRecord } from "../../../gen/zipnet/v1/record_pb.js";
import { ProgressPhase } from "../../../gen/zipnet/v1/submission_pb.js";
import type { Clients } from "../../../rpc/client/client.js";
import { fileOf, signedManifest, specOf, upload } from "../../../server/rig.test-support.js";
import type { ManifestObject } from "../../../gen/zipnet/v1/submission_pb.js";
import { type Play, zipCodeOf } from "./play.test-support.js";
import { altered } from "./raw-calls.test-support.js";
import { refused } from "./refused.test-support.js";

const UNKNOWN_EPOCH = "20200101T000000Z";
const UNKNOWN_ZIP = "00000";
const invalid = { code: Code.InvalidArgument, reason: "INVALID_FIELD" } as const;

/** Tests within a describe. */
export function badSubmissions(play: () => Play): void {
  let steady: Clients;
  /** What steady has uploaded. */
  let uploaded: ManifestObject;
  before(async () => {
    const { server, cast, epoch } = play();
    steady = server.clients(cast.steady);
    const objects = await upload(steady, epoch, cast.steady.hotkey, { [zipCodeOf(epoch, 2)]: "steady's first" });
    [uploaded] = objects as [ManifestObject];
  });

  describe("asks for grants", () => {
    it("for an epoch or zip codes that are not asked for", async () => {
      const { epoch, harmless } = play();
      const ask = (epochId: string, zipCodes: string[]) =>
        steady.submissions.createUploadGrants({
          epochId,
          objects: zipCodes.map((zipCode) => ({ ...specOf(uploaded), zipCode })),
        });
      await harmless(async () => {
        await refused(ask(UNKNOWN_EPOCH, [uploaded.zipCode]), {
          code: Code.NotFound,
          reason: "EPOCH_UNKNOWN",
          says: [UNKNOWN_EPOCH, "ListEpochs"],
        });
        const says = [epoch.id, UNKNOWN_ZIP, "99999", "GetEpoch"];
        await refused(ask(epoch.id, [UNKNOWN_ZIP, uploaded.zipCode, "99999"]), {
          code: Code.InvalidArgument,
          reason: "ZIP_CODE_NOT_ASSIGNED",
          says,
        });
      });
    });

    it("with fields that break several rules, all named at once", async () => {
      const { epoch, harmless } = play();
      const objects = [
        specOf(uploaded),
        { zipCode: "9810", sizeBytes: 0, md5: "F".repeat(32), sha256: "no hash" },
        { ...specOf(uploaded), sizeBytes: 67_108_865 },
      ];
      await harmless(async () => {
        await refused(steady.submissions.createUploadGrants({ epochId: "2026-11-22", objects }), {
          ...invalid,
          says: ['"2026-11-22"', '"9810"', "five digits", "67108865", "67,108,864", "64 lower-case hexadecimal digits"],
          fields: [
            "epoch_id",
            "objects[1].zip_code",
            "objects[1].size_bytes",
            "objects[1].md5",
            "objects[1].sha256",
            "objects[2].size_bytes",
          ],
        });
        for (const count of [0, 5_001]) {
          const many = Array.from({ length: count }, () => specOf(uploaded));
          const says = [String(count), "1 to 5,000"];
          await refused(steady.submissions.createUploadGrants({ epochId: epoch.id, objects: many }), {
            ...invalid,
            says,
            fields: ["objects"],
          });
        }
      });
    });
  });

  describe("finalizes", () => {
    const finalize = (manifest: SignedRecord) => steady.submissions.finalizeSubmission({ manifest });

    it("an object that is not there, or not as the manifest says", async () => {
      const { cast, epoch, harmless } = play();
      const missing = fileOf(epoch, cast.steady.hotkey, zipCodeOf(epoch, 3), "never uploaded").object;
      const code = Code.FailedPrecondition;
      await harmless(async () => {
        const both = [uploaded, missing].toSorted((a, b) => (a.zipCode < b.zipCode ? -1 : 1));
        await refused(finalize(signedManifest(epoch, cast.steady, both)), {
          code,
          reason: "OBJECT_MISSING",
          says: [missing.zipCode, missing.key, "upload it"],
        });
        const other = { sizeBytes: uploaded.sizeBytes + 1, md5: altered(uploaded.md5) };
        for (const name of ["sizeBytes", "md5"] as const) {
          const differs = { ...uploaded, [name]: other[name] };
          await refused(finalize(signedManifest(epoch, cast.steady, [differs])), {
            code,
            reason: "OBJECT_DIFFERS",
            says: [uploaded.zipCode, `${other[name]}`, `${uploaded[name]}`, /correct the manifest/],
          });
        }
      });
    });

    it("a manifest that is another miner's, or signed by nobody who may", async () => {
      const { cast, epoch, manifest, files, harmless } = play();
      const code = Code.InvalidArgument;
      const reason = "RECORD_SIGNATURE_INVALID";
      const own = signedManifest(epoch, cast.steady, [uploaded]);
      await harmless(async () => {
        await refused(finalize(manifest), { code, reason, says: [cast.swift.hotkey, `only ${cast.steady.hotkey}`] });
        const inHisName = signedManifest(epoch, cast.steady, files, { hotkey: cast.swift.hotkey });
        await refused(finalize(inHisName), { code, reason, says: [cast.swift.hotkey, cast.steady.hotkey, "its own"] });
        const changed = create(SignedRecordSchema, { ...own, payload: manifest.payload });
        await refused(finalize(changed), { code, reason, says: [cast.steady.hotkey, "signature is not"] });
        const receipt = create(SignedRecordSchema, { ...own, type: "zipnet.v1.Receipt" });
        await refused(finalize(receipt), { code, reason, says: ["zipnet.v1.Manifest", '"zipnet.v1.Receipt"'] });
      });
    });

    it("another miner's objects, under keys that are not its own", async () => {
      const { cast, epoch, files, harmless } = play();
      const [stolen] = files as [ManifestObject];
      const own = dataKey(cast.steady.hotkey, epoch.id, stolen.zipCode, stolen.sha256);
      await harmless(() =>
        refused(finalize(signedManifest(epoch, cast.steady, [stolen])), {
          ...invalid,
          says: [own],
          fields: ["objects[0].key"],
        }),
      );
    });

    it("a manifest that is not of this epoch, subnet or network", async () => {
      const { cast, epoch, harmless } = play();
      const nonce = altered(epoch.nonce);
      await harmless(async () => {
        await refused(finalize(signedManifest(epoch, cast.steady, [uploaded], { nonce })), {
          code: Code.InvalidArgument,
          reason: "WRONG_NONCE",
          says: [nonce, epoch.nonce, epoch.id, /sign/],
        });
        await refused(finalize(signedManifest(epoch, cast.steady, [uploaded], { network: "test", netuid: 2 })), {
          ...invalid,
          says: ['"test"', '"local"', "2", "1"],
          fields: ["network", "netuid"],
        });
        const strange = fileOf(epoch, cast.steady.hotkey, UNKNOWN_ZIP, "somewhere").object;
        await refused(finalize(signedManifest(epoch, cast.steady, [strange])), {
          code: Code.InvalidArgument,
          reason: "ZIP_CODE_NOT_ASSIGNED",
          says: [UNKNOWN_ZIP, epoch.id, "GetEpoch"],
        });
        const key = dataKey(cast.steady.hotkey, UNKNOWN_EPOCH, uploaded.zipCode, uploaded.sha256);
        const past = signedManifest(epoch, cast.steady, [{ ...uploaded, key }], { epochId: UNKNOWN_EPOCH });
        await refused(finalize(past), { code: Code.NotFound, reason: "EPOCH_UNKNOWN", says: [UNKNOWN_EPOCH] });
      });
    });

    it("nothing, the same zip code twice, or fields that break several rules", async () => {
      const { cast, epoch, harmless } = play();
      await harmless(async () => {
        await refused(steady.submissions.finalizeSubmission({}), {
          ...invalid,
          says: ["missing"],
          fields: ["manifest"],
        });
        const empty = signedManifest(epoch, cast.steady, []);
        await refused(finalize(empty), { ...invalid, says: ["1 to 5,000"], fields: ["objects"] });
        const twice = signedManifest(epoch, cast.steady, [uploaded, uploaded]);
        await refused(finalize(twice), {
          ...invalid,
          says: [uploaded.zipCode, "ascend"],
          fields: ["objects[1].zip_code"],
        });
        const rows = 1_000_001;
        const broken = signedManifest(epoch, cast.steady, [{ ...uploaded, rows }], { nonce: "x", netuid: 65_536 });
        await refused(finalize(broken), {
          ...invalid,
          says: ["65536", '"x"', "1000001"],
          fields: ["netuid", "nonce", "objects[0].rows"],
        });
      });
    });
  });

  it("tells progress that cannot be", async () => {
    const { epoch, harmless } = play();
    await harmless(async () => {
      const progress = { epochId: epoch.id, zipCodesDone: 3, zipCodesTotal: 2, note: "x".repeat(301) };
      await refused(steady.submissions.reportProgress({ progress }), {
        ...invalid,
        says: ["zip_codes_total, 2", "300"],
        fields: ["progress.phase", "progress.note", "progress.zip_codes_done"],
      });
      await refused(
        steady.submissions.reportProgress({ progress: { epochId: UNKNOWN_EPOCH, phase: ProgressPhase.SCRAPING } }),
        { code: Code.NotFound, reason: "EPOCH_UNKNOWN", says: [UNKNOWN_EPOCH] },
      );
    });
  });
}

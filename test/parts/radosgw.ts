/**
 * A real S3 service: Debian's Ceph on loopback, one monitor, one storage daemon that keeps everything in memory, one
 * RADOS gateway. Up in about ten seconds.
 */
import { appendFile, copyFile, mkdir, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { formatS3Url, type S3Settings } from "../../adapters/objects/s3/s3-url.js";
import { ensureBucket } from "../../adapters/objects/s3/s3-objects.js";
import { freePort, missingReason, programGroup, waitUntil, type ProgramGroup } from "./programs.js";

const PROGRAMS = ["ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin"];
const ACCESS_KEY_ID = "ZIPNETTESTKEY";
const SECRET_ACCESS_KEY = "zipnet/test+secret";

/** A running part. */
export interface StartedRadosgw {
  /** Setting text for parseS3Url; its bucket exists and is empty. */
  readonly url: string;
  /** The same, taken apart. */
  readonly settings: S3Settings;
  /** Ends all its programs and waits until they are gone. */
  stop(): Promise<void>;
}

/** Why no gateway can be started here; undefined when one can. */
export function radosgwMissing(): string | undefined {
  return missingReason(PROGRAMS, "radosgw with ceph-mon and ceph-osd");
}

/** Starts a gateway on free ports with a user and a bucket; `missing` says why it cannot. */
export async function startRadosgw(): Promise<StartedRadosgw | { readonly missing: string }> {
  const missing = radosgwMissing();
  if (missing !== undefined) return { missing };
  const group = programGroup("radosgw");
  try {
    const port = await freePort();
    await startCluster(group, port);
    const settings: S3Settings = {
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      bucket: "zipnet",
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: SECRET_ACCESS_KEY,
      forcePathStyle: true,
    };
    await waitUntil("an S3 bucket", 60_000, async () => {
      failWhenEnded(group);
      await ensureBucket(settings);
      return true;
    });
    return { url: formatS3Url(settings), settings, stop: () => group.stop() };
  } catch (error) {
    const ended = group.ended();
    await group.stop();
    throw ended.length === 0 ? error : new Error(ended.join("; "), { cause: error });
  }
}

async function startCluster(group: ProgramGroup, gatewayPort: number): Promise<void> {
  const { dir } = group;
  const conf = join(dir, "ceph.conf");
  const fsid = randomUUID();
  const monPort = await freePort();
  for (const folder of ["mon", "osd", "rgw", "run", "log"]) await mkdir(join(dir, folder));
  await writeFile(conf, cephConf({ dir, fsid, monPort, gatewayPort }));

  const keyring = join(dir, "keyring");
  await writeFile(keyring, "");
  await addKey(group, keyring, "mon.", { mon: "allow *" });
  await addKey(group, keyring, "client.admin", { mon: "allow *", osd: "allow *" });
  await addKey(group, keyring, "osd.0", { mon: "allow profile osd", osd: "allow *" });
  await addKey(group, keyring, "client.rgw.a", { mon: "allow rw", osd: "allow rwx" });
  for (const folder of ["osd", "rgw"]) await copyFile(keyring, join(dir, folder, "keyring"));

  const monmap = join(dir, "monmap");
  await group.run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", `[v2:127.0.0.1:${monPort}]`, monmap]);
  await group.run("ceph-mon", ["-c", conf, "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring]);
  group.start("ceph-mon", ["-c", conf, "-f", "-i", "a"]);
  const ceph = (...args: string[]): Promise<string> =>
    group.run("ceph", ["-c", conf, "--connect-timeout", "30", ...args]);
  await ceph("osd", "create");
  await group.run("ceph-osd", ["-c", conf, "-i", "0", "--mkfs"]);
  group.start("ceph-osd", ["-c", conf, "-f", "-i", "0"]);
  await ceph("osd", "crush", "add", "osd.0", "1", "root=default", "host=local");
  await waitUntil("the storage daemon", 60_000, async () => {
    failWhenEnded(group);
    return (await ceph("osd", "stat")).includes("1 up");
  });
  const user = [
    "--uid=zipnet",
    "--display-name=zipnet",
    `--access-key=${ACCESS_KEY_ID}`,
    `--secret-key=${SECRET_ACCESS_KEY}`,
  ];
  await group.run("radosgw-admin", ["-c", conf, "user", "create", ...user]);
  group.start("radosgw", ["-c", conf, "-f", "-n", "client.rgw.a"]);
}

function failWhenEnded(group: ProgramGroup): void {
  const ended = group.ended();
  if (ended.length > 0) throw new Error(ended.join("; "));
}

async function addKey(group: ProgramGroup, keyring: string, name: string, caps: Record<string, string>): Promise<void> {
  const capArgs = Object.entries(caps).flatMap(([service, cap]) => ["--cap", service, cap]);
  await group.run("ceph-authtool", [keyring, "--gen-key", "-n", name, ...capArgs]);
  await appendFile(keyring, "\n");
}

/** Daemons other than the monitor take whatever port is free in Ceph's range by themselves. */
function cephConf(options: { dir: string; fsid: string; monPort: number; gatewayPort: number }): string {
  const { dir, fsid, monPort, gatewayPort } = options;
  return `[global]
fsid = ${fsid}
mon_initial_members = a
mon_host = [v2:127.0.0.1:${monPort}/0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
keyring = ${dir}/keyring
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
run_dir = ${dir}/run
admin_socket = ${dir}/run/$name.$pid.asok
log_file = ${dir}/log/$name.log
mon_data = ${dir}/mon
osd_data = ${dir}/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
rgw_data = ${dir}/rgw
rgw_frontends = beast endpoint=127.0.0.1:${gatewayPort}
`;
}

/**
 * What deploy/ says must agree with the code and with itself: syntax, names and values of settings, ports, times.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SETTINGS as CHAIN, readChainSettings } from "../../adapters/chain/local/config.js";
import { type SettingsShape, environmentName } from "../../adapters/settings/settings.js";
import { Health } from "../../gen/health/v1/health_pb.js";
import { DRAIN_DEADLINE_MS } from "../../rpc/serving/server.js";
import { SETTINGS as SERVER, readServerSettings } from "../../server/config.js";
import { HAPROXY_CONFIG, haproxyMissing, haproxyVariables } from "../parts/haproxy.js";
import { findProgram } from "../parts/programs.js";
import {
  type Container,
  type Manifest,
  type Variables,
  composeServices,
  documentsOf,
  environmentFile,
  kubernetesManifests,
  textOf,
  yamlPaths,
} from "./manifests.js";
import { ROOT, projectPaths } from "./source-tree.js";

const ours = (variables: Variables): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => name.startsWith("ZIPNET_")));

function unknownNames(variables: Variables, settings: SettingsShape): string[] {
  const known = new Set(Object.keys(settings).map(environmentName));
  return Object.keys(ours(variables)).filter((name) => !known.has(name));
}

/** A server's settings by default. */
const REQUIRED: Variables = { ZIPNET_WALLET: "//Alice", ZIPNET_CATALOGUE: "c" };

const seconds = (text: string): number => Number(/^(\d+)s$/.exec(text)?.[1]);

/** Time that a replica needs from SIGTERM to its end, in seconds, with its clients' way back. */
function drainSeconds(variables: Variables): number {
  return (Number(variables["ZIPNET_DRAIN_WINDOW_MS"]) + DRAIN_DEADLINE_MS) / 1000;
}

describe("deploy/", () => {
  it("is YAML where it says so", () => {
    const paths = yamlPaths();
    assert.ok(paths.length >= 9);
    for (const path of paths) assert.doesNotThrow(() => documentsOf(textOf(path)), path);
  });

  describe("compose", () => {
    const variables = { ...environmentFile("deploy/compose/env.example"), OWNER_HOTKEY: "5" };
    const { server, chain, balancer, redis } = composeServices(variables);

    it("gives server and chain settings that they take", () => {
      assert.deepEqual(unknownNames(server?.environment ?? {}, SERVER), []);
      assert.deepEqual(unknownNames(chain?.environment ?? {}, CHAIN), []);
      const settings = readServerSettings(server?.environment ?? {});
      readChainSettings({ ...chain?.environment, ZIPNET_OWNER_HOTKEY: undefined });
      assert.equal(settings.cache.kind, "redis");
      assert.ok(redis);
      assert.notDeepEqual(settings.trustedProxies, [], "all callers would count as one address");
    });

    it("runs three replicas, and the balancer asks for them by their name and port", () => {
      assert.equal(server?.deploy?.replicas, 3);
      assert.equal(balancer?.environment?.["REPLICAS_NAME"], `server:${server.environment?.["ZIPNET_LISTEN_PORT"]}`);
    });

    it("gives a replica time to drain", () => {
      assert.ok(seconds(server?.stop_grace_period ?? "") > drainSeconds(server?.environment ?? {}));
    });
  });

  describe("kubernetes", () => {
    const manifests = kubernetesManifests();
    function named(kind: string, name: string): Manifest {
      const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
      return found ?? assert.fail(`there is no ${kind} ${name}`);
    }
    function podOf(manifest: Manifest): { readonly container: Container; readonly graceSeconds: number } {
      const { containers, terminationGracePeriodSeconds = 30 } = manifest.spec?.template?.spec ?? assert.fail();
      return { container: containers[0] ?? assert.fail(), graceSeconds: terminationGracePeriodSeconds };
    }
    const variablesOf = ({ env = [] }: Container): Variables =>
      Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
    const server = named("Deployment", "zipnet-server");
    const settings: Variables = {
      ...named("ConfigMap", "zipnet-server").data,
      ...ours(named("Secret", "zipnet-server").stringData ?? {}),
      ...variablesOf(podOf(server).container),
    };

    it("gives server and chain settings that they take", () => {
      assert.deepEqual(unknownNames(settings, SERVER), []);
      const { cache, objects, trustedProxies } = readServerSettings(settings);
      assert.equal(cache.kind, "redis");
      assert.notDeepEqual(trustedProxies, [], "all callers would count as one address");
      assert.ok(objects !== "default" && objects.kind === "s3", "several machines cannot share a folder");
      const chain = variablesOf(podOf(named("StatefulSet", "zipnet-chain")).container);
      assert.deepEqual(unknownNames(chain, CHAIN), []);
      readChainSettings({ ...chain, ZIPNET_OWNER_HOTKEY: undefined });
    });

    it("probes the port that the server listens on, by its own health service", () => {
      const port = Number(settings["ZIPNET_LISTEN_PORT"]);
      const { container } = podOf(server);
      assert.deepEqual(container.readinessProbe?.grpc, { port });
      assert.deepEqual(container.livenessProbe?.grpc, { port });
      assert.equal(container.ports[0]?.containerPort, port);
    });

    it("runs three replicas, and leaves each time to drain and its clients time to come back", () => {
      assert.equal(server.spec?.replicas, 3);
      const { container, graceSeconds } = podOf(server);
      const preStopSeconds = Number(container.lifecycle?.preStop.exec.command.at(-1));
      assert.ok(graceSeconds > preStopSeconds + drainSeconds(settings));
      assert.ok((server.spec.minReadySeconds ?? 0) * 1000 >= Number(settings["ZIPNET_DRAIN_WINDOW_MS"]));
    });

    it("has services that name ports and labels of pods", () => {
      const pods = manifests.flatMap(({ spec }) => (spec?.template === undefined ? [] : [spec.template]));
      for (const { kind, metadata, spec } of manifests) {
        if (kind !== "Service") continue;
        const chosen = pods.find(({ metadata: { labels } }) => labels["app"] === spec?.selector?.["app"]);
        const names = chosen?.spec.containers.flatMap((container) => container.ports.map(({ name }) => name)) ?? [];
        for (const { targetPort } of spec?.ports ?? []) assert.ok(names.includes(String(targetPort)), metadata.name);
      }
    });

    it("has a balancer that asks for the replicas by the name of their service", () => {
      const balancer = variablesOf(podOf(named("Deployment", "zipnet-balancer")).container);
      const namespace = manifests.find(({ kind }) => kind === "Namespace")?.metadata.name;
      const [port] = named("Service", "zipnet-replicas").spec?.ports ?? [];
      assert.equal(balancer["REPLICAS_NAME"], `zipnet-replicas.${namespace}.svc.cluster.local:${port?.port}`);
    });

    const kubectl = findProgram("kubectl");
    (kubectl === undefined ? it.skip : it)(
      `is built by kubectl kustomize${kubectl === undefined ? " (skipped: no kubectl is installed)" : ""}`,
      () => {
        const { status, stdout, stderr } = spawnSync(kubectl ?? "", ["kustomize", "deploy"], {
          cwd: ROOT,
          encoding: "utf8",
        });
        assert.equal(status, 0, stderr);
        const built = documentsOf(stdout) as Manifest[];
        assert.equal(built.length, manifests.length + 1);
        const map = built.find(({ metadata }) => metadata.name.startsWith("zipnet-balancer-"));
        assert.equal(map?.data?.["haproxy.cfg"], textOf("deploy/haproxy/haproxy.cfg"));
      },
    );
  });

  describe("docker", () => {
    it("has an image without root and without a browser, made of every room that is built", () => {
      const file = textOf("deploy/Dockerfile");
      assert.match(file, /^USER node$/m);
      assert.doesNotMatch(file, /^RUN .*(chromium|playwright install)/m);
      const taken = new Set(
        [...textOf("deploy/Dockerfile.dockerignore").matchAll(/^!(.+)$/gm)].map(([, name]) => name),
      );
      const { include } = JSON.parse(textOf("tsconfig.json")) as { include: string[] };
      const built = include.filter((room) => room !== "test" && room !== "bench");
      const needed = [...built, "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];
      assert.deepEqual(
        needed.filter((name) => !taken.has(name)),
        [],
      );
    });
  });

  it("has systemd units that leave the programs time to end", () => {
    const units = projectPaths("deploy/systemd");
    assert.ok(units.length >= 4);
    for (const path of units) {
      const text = textOf(path);
      assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1]) * 1000 > DRAIN_DEADLINE_MS, path);
      const variables = Object.fromEntries([...text.matchAll(/\b(ZIPNET_\w+)=/g)].map(([, name = ""]) => [name, ""]));
      delete variables["ZIPNET_NAME"]; // Stands for any setting.
      assert.deepEqual(unknownNames(variables, SERVER), [], path);
    }
  });

  describe("haproxy", () => {
    const config = textOf("deploy/haproxy/haproxy.cfg");

    it("asks the replicas' own health service", () => {
      assert.ok(config.includes(`uri /${Health.typeName}/Check `));
    });

    it("takes as many streams per connection as the server", () => {
      const { maxStreamsPerConnection } = readServerSettings(REQUIRED);
      assert.ok(config.includes(`tune.h2.max-concurrent-streams ${maxStreamsPerConnection}\n`));
    });

    it("cuts no stream between two bookmarks", () => {
      const bookmarkMs = readServerSettings(REQUIRED).bookmarkIntervalMs;
      for (const side of ["client", "server"]) {
        const minutes = Number(new RegExp(`^  timeout ${side} (\\d+)m$`, "m").exec(config)?.[1]);
        assert.ok(minutes * 60_000 > 3 * bookmarkMs, side);
      }
    });

    const missing = haproxyMissing();
    (missing === undefined ? describe : describe.skip)(
      `its own check${missing === undefined ? "" : `: ${missing}`}`,
      () => {
        const local = haproxyVariables([1, 2, 3], { listen: 1, status: 2 });
        let folder = "";
        before(() => {
          folder = mkdtempSync(join(tmpdir(), "zipnet-haproxy-"));
          const key = ["-nodes", "-keyout", join(folder, "key.pem"), "-out", join(folder, "chain.pem")];
          const openssl = spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=zipnet", ...key]);
          assert.equal(openssl.status, 0, String(openssl.stderr));
          const pem = ["chain.pem", "key.pem"].map((name) => readFileSync(join(folder, name), "utf8"));
          writeFileSync(join(folder, "certificate.pem"), pem.join(""));
        });
        after(() => rmSync(folder, { recursive: true }));

        const places: Record<string, () => Variables> = {
          "on one machine": () => local,
          "with a certificate, behind the PROXY protocol": () => ({
            ...local,
            LB_CERTIFICATE: join(folder, "certificate.pem"),
            LB_BIND_OPTIONS: "accept-proxy",
          }),
          "with a name for the replicas": () => ({ ...local, REPLICAS_NAME: "server:8450" }),
          "by haproxy.env": () => ({
            ...environmentFile("deploy/haproxy/haproxy.env"),
            LB_CERTIFICATE: join(folder, "certificate.pem"),
          }),
        };
        for (const [place, variables] of Object.entries(places)) {
          it(`takes the configuration ${place}`, () => {
            const haproxy = findProgram("haproxy") ?? assert.fail();
            const { status, stderr } = spawnSync(haproxy, ["-c", "-f", HAPROXY_CONFIG], {
              env: { ...variables() },
              encoding: "utf8",
            });
            assert.equal(status, 0, stderr);
            assert.doesNotMatch(stderr, /WARNING/);
          });
        }
      },
    );
  });
});

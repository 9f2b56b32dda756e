/**
 * The manifests of deploy/, read as data.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { ROOT, projectPaths } from "./source-tree.js";

/** Names and values of an environment. */
export type Variables = Readonly<Record<string, string>>;

/** A Kubernetes object, as far as tests look into it. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Variables;
  readonly stringData?: Variables;
  readonly spec?: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly selector?: Variables & { readonly matchLabels?: Variables };
    readonly ports?: readonly { readonly port: number; readonly targetPort: string | number }[];
    readonly template?: { readonly metadata: { readonly labels: Variables }; readonly spec: PodSpec };
  };
}

/** What a pod consists of. */
interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly Container[];
}

interface Probe {
  readonly grpc?: { readonly port: number };
}

/** A container of a pod. */
export interface Container {
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
}

/** A service of the compose file. */
export interface ComposeService {
  readonly command?: readonly string[];
  readonly environment?: Variables;
  readonly deploy?: { readonly replicas: number };
  readonly stop_grace_period?: string;
}

/** Text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Paths of all YAML below deploy/. */
export function yamlPaths(): string[] {
  return projectPaths("deploy").filter((path) => /\.ya?ml$/.test(path));
}

/** All documents of a YAML text. Throws for what is not YAML 1.2, repeated keys included. */
export function documentsOf(text: string): unknown[] {
  return parseAllDocuments(text, { merge: true, uniqueKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    return document.toJS() as unknown;
  });
}

/** All objects of deploy/kubernetes. */
export function kubernetesManifests(): Manifest[] {
  return yamlPaths()
    .filter((path) => path.startsWith("deploy/kubernetes/"))
    .flatMap((path) => documentsOf(textOf(path)) as Manifest[]);
}

/** The services of the compose file, its variables filled in as Compose does. */
export function composeServices(variables: Variables): Readonly<Record<string, ComposeService>> {
  const text = textOf("deploy/compose/compose.yaml").replace(
    /\$\{(\w+)(?::([-?+])([^}]*))?\}/g,
    (whole, name: string, operator: string | undefined, word: string) => {
      const value = variables[name] ?? "";
      if (operator === "+") return value === "" ? "" : word;
      if (value !== "") return value;
      if (operator === "-") return word;
      throw new Error(`${whole} of the compose file has no value`);
    },
  );
  return (documentsOf(text)[0] as { services: Record<string, ComposeService> }).services;
}

/** The variables of a file in the form NAME=value, comments left out. */
export function environmentFile(path: string): Variables {
  const pairs = [...textOf(path).matchAll(/^(\w+)=("?)(.*)\2$/gm)].map(([, name = "", , value = ""]) => [name, value]);
  return Object.fromEntries(pairs) as Variables;
}

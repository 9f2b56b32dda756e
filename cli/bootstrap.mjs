// What `npm run demo`, `npm test` and `npm run zipnet` begin with: installs what is missing, builds, says what it does.
// Plain JavaScript without dependencies, because it runs on a checkout that has none yet.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CHROMIUM = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const CHROMIUM_PACKAGE = "chromium-headless-shell";

/** Ends with a sentence instead of a stack trace. */
class Stop extends Error {}

const say = (text) => process.stderr.write(`zipnet: ${text}\n`);

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: "inherit", ...options });
  if (result.error) throw new Stop(`${command} did not start: ${result.error.message}`);
  return result.status ?? 1;
}

/** For steps whose output matters only when they fail. */
function runQuietly(command, args, what, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, encoding: "utf8", ...options });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  throw new Stop(`${what} failed: ${command} ${args.join(" ")}`);
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Stop(`this is Node ${process.versions.node}, but zipnet needs Node 20.19 or newer`);
  }
}

/** The packages in node_modules are those of the lock file when they were installed from one with its hash. */
function installPackages() {
  const lockHash = createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");
  const stamp = join(ROOT, "node_modules", ".zipnet-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lockHash) return;
  say("installing the npm packages of package-lock.json (about a minute) ...");
  // Not `npm ci`: it refuses a lock file that lacks the builds of a native package for machines unlike the one on which
  // the lock file was made. The versions are the lock file's either way, and it stays as it is.
  runQuietly("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], "installing packages");
  writeFileSync(stamp, lockHash);
}

function build() {
  runQuietly(
    process.execPath,
    [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"],
    "building",
  );
}

/** A browser that reads listing pages. Debian packages one that needs no display. */
function installChromium() {
  if (process.env.ZIPNET_CHROMIUM || CHROMIUM.some((path) => existsSync(path))) return;
  const hint = `install Chromium (for example the Debian package ${CHROMIUM_PACKAGE}), or name it in ZIPNET_CHROMIUM`;
  if (!existsSync("/usr/bin/apt-get")) throw new Stop(`no Chromium was found, and there is no apt-get: ${hint}`);
  const sudo = process.getuid?.() === 0 ? [] : ["sudo"];
  say(`installing the Debian package ${CHROMIUM_PACKAGE} (64 MB)${sudo.length > 0 ? " with sudo" : ""} ...`);
  const apt = (...args) => {
    const [command, ...rest] = [...sudo, "apt-get", ...args];
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    runQuietly(command, rest, `installing Chromium (${hint})`, { env, stdio: ["inherit", "pipe", "pipe"] });
  };
  apt("update", "-qq");
  apt("install", "-y", "-qq", "--no-install-recommends", CHROMIUM_PACKAGE);
}

function main([task, ...args]) {
  requireNode();
  installPackages();
  build();
  const zipnet = join(ROOT, "dist/cli/zipnet.js");
  switch (task) {
    case "demo":
      installChromium();
      return run(process.execPath, [zipnet, "demo", ...args]);
    case "test":
      installChromium();
      return run(process.execPath, [join(ROOT, "node_modules/mocha/bin/mocha.js"), ...args]);
    case "zipnet":
      return run(process.execPath, [zipnet, ...args]);
    default:
      throw new Stop(`"${task}" is none of demo, test, zipnet`);
  }
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  say(error.message);
  process.exitCode = 1;
}

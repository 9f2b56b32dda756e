import { type Command, Option } from "commander";
import { networkByAddress } from "../adapters/settings/chain-settings.js";
import { type RawSettings, type SettingsShape, environmentName, flagName } from "../adapters/settings/settings.js";

/** Adds one flag per setting, each with its meaning and its environment variable. */
export function addSettingFlags(command: Command, settings: SettingsShape): Command {
  for (const [name, { describe, alias }] of Object.entries(settings)) {
    const variables = [environmentName(name), ...(alias === undefined ? [] : [alias])].join(", ");
    command.addOption(new Option(`${flagName(name)} <value>`, `${describe} [${variables}]`));
  }
  return command;
}

/** Settings from flags and environment; what is given on the command line wins. */
export function mergedSettings(flags: Readonly<Record<string, string>>): RawSettings {
  const given = Object.entries(flags).map(([name, value]) => [environmentName(name), value] as const);
  return networkByAddress({ ...process.env, ...Object.fromEntries(given) });
}

import { Command } from "commander";
import { s3Command } from "./s3.js";

/** `zipnet doctor`: tries out what zipnet counts on, and says what of it holds. */
export function doctorCommand(): Command {
  return new Command("doctor").description("tries out what zipnet counts on").addCommand(s3Command());
}

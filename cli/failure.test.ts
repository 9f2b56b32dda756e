import assert from "node:assert/strict";
import { SettingsError } from "../adapters/settings/settings.js";
import { ZipnetError } from "../core/errors.js";
import { explainFailure } from "./failure.js";
import { StopRequest } from "./shutdown.js";

describe("what a person reads when a command fails", () => {
  it("is one sentence for what was foreseen", () => {
    assert.equal(explainFailure(new StopRequest("SIGINT received")), "zipnet: stopped, SIGINT received");
    assert.equal(
      explainFailure(new ZipnetError("EPOCH_UNKNOWN", "no such epoch")),
      "zipnet: no such epoch [EPOCH_UNKNOWN]",
    );
    assert.equal(
      explainFailure(new Error("the wallet file x cannot be read")),
      "zipnet: the wallet file x cannot be read",
    );
    assert.match(explainFailure(new SettingsError(["a", "b"])), /2 mistakes:\n {2}- a\n {2}- b/);
  });

  it("has a stack where the program itself is to blame", () => {
    assert.match(explainFailure(new TypeError("x is undefined")), /x is undefined\n\s+at /);
  });
});

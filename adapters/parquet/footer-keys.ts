/** Version of the columns of a file of listings and of what they mean. */
export const SCHEMA_VERSION = "1";

/** Keys under which a file's footer says what it belongs to. */
export const FOOTER_KEYS = {
  schemaVersion: "zipnet.schema_version",
  epochId: "zipnet.epoch_id",
  nonce: "zipnet.nonce",
  hotkey: "zipnet.hotkey",
  zipCode: "zipnet.zip_code",
} as const;

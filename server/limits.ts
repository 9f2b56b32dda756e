/**
 * What callers are held to besides the settings. A later change of one of these changes GetServerInfo's answer too.
 */

/** Objects in one CreateUploadGrants call. The contract's own bound. */
export const MAX_OBJECTS_PER_CALL = 5_000;

/** Objects in one manifest. The contract's own bound. */
export const MAX_OBJECTS_PER_MANIFEST = 5_000;

/** Bytes in one object. The contract's own bound. */
export const MAX_OBJECT_BYTES = 67_108_864;

/** Objects of a manifest that are looked up in the store at the same time. */
export const OBJECT_CHECKS_AT_ONCE = 32;

/** Up to so many objects are looked up one by one; more are found by listing them. */
export const FEW_OBJECTS = 4;

/**
 * A page of records or grants ends before it would pass this. Stock gRPC clients refuse messages above 4 MiB; the
 * difference leaves room for the encoding.
 */
export const MAX_PAGE_BYTES = 3_000_000;

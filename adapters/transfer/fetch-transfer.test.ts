import { transferContract } from "./contract.js";
import { fetchTransfer } from "./fetch-transfer.js";

transferContract("fetch", (timeoutMs) => fetchTransfer({ timeoutMs }));

/** Writes the test vectors anew: `npm run vectors`. */
import { writeFileSync } from "node:fs";
import { VECTORS, selectionVectors, vectorsText } from "./selection.js";

writeFileSync(VECTORS, vectorsText(selectionVectors()));

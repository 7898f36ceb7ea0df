/** Writes plans.json: the plans of a few histograms. Run: node --import=tsx test/goldens/make_plans.ts */
import { writeFileSync } from "node:fs";
import { plansByName } from "../data/plans/goldenPlans.ts";

const text = JSON.stringify(await plansByName(), null, 1);
writeFileSync(new URL("./plans.json", import.meta.url), `${text}\n`);

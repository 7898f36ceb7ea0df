import "./constants.ts";
import "./elementwise.ts";
import "./indexing.ts";
import "./layers.ts";
import "./movement.ts";
import "./products.ts";
import "./reductions.ts";

import assert from "node:assert/strict";
import { recipeOfRun } from "../../../src/cli/stages/recipeOfRun.ts";
import { loadRecipe } from "../../../src/config/recipe.ts";
import { recipeSchema } from "../../../src/registry.ts";
import { withFiles } from "../../config/sample.ts";

const library = "/tmp/stranger.so";
const cuda = ["engine.provider=cuda", `engine.cudaLibrary=${library}`];

describe("recipeOfRun", () => {
  afterEach(() => {
    delete process.env.KINEMA_CUDA_LIBRARY;
  });

  it("takes no library from a run's folder, which may come from a stranger; the user may name it too", () => {
    const text = loadRecipe("configs/tiny.yaml", cuda, recipeSchema).toYaml();
    withFiles({ "config.yaml": text }, (folder) => {
      assert.throws(
        () => recipeOfRun(folder, []),
        /config\.yaml engine\.cudaLibrary: expected no library that a run's folder names.*got \/tmp\/stranger\.so/,
      );
      assert.equal(recipeOfRun(folder, ["engine={ kind: cpu }"]).engine.kind, "cpu");
      assert.equal(recipeOfRun(folder, cuda).engine.kind, "onnx");
      process.env.KINEMA_CUDA_LIBRARY = library;
      assert.equal(recipeOfRun(folder, []).engine.kind, "onnx");
    });
  });

  it("takes a recipe that names none", () => {
    withFiles({ "config.yaml": loadRecipe("configs/tiny.yaml", [], recipeSchema).toYaml() }, (folder) => {
      assert.equal(recipeOfRun(folder, []).name, "tiny");
    });
  });
});

import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { metricsWriter, readMetrics } from "lib/record/metrics.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("metricsWriter() writes each row at once, one a line", () => {
  withFile((path) => {
    const write = metricsWriter(path);
    write({ step: 1, loss: 0.1, "eval/loss": null });
    strictEqual(
      Deno.readTextFileSync(path),
      '{"step":1,"loss":0.1,"eval/loss":null}\n',
    );
    write({ step: 2, loss: 1e-45 });
    deepStrictEqual(readMetrics(path)[1], { step: 2, loss: 1e-45 });
  });
});

Deno.test("metricsWriter() continues a file, resumes after a step, or starts anew", () => {
  withFile((path) => {
    const log = (step: number, keepThrough?: number) =>
      metricsWriter(path, keepThrough === undefined ? {} : { keepThrough })({
        step,
      });
    const steps = () => readMetrics(path).map(({ step }) => step);
    for (const step of [1, 2, 3]) log(step);
    deepStrictEqual(steps(), [1, 2, 3]);
    log(9, 2);
    deepStrictEqual(steps(), [1, 2, 9]);
    log(0, -1);
    deepStrictEqual(steps(), [0]);
  });
});

Deno.test("metricsWriter() cuts off the line a crash broke", () => {
  withFile((path) => {
    Deno.writeTextFileSync(path, '{"step":1}\n{"step":2,"lo');
    deepStrictEqual(readMetrics(path), [{ step: 1 }]);
    metricsWriter(path)({ step: 2 });
    deepStrictEqual(readMetrics(path), [{ step: 1 }, { step: 2 }]);
  });
});

Deno.test("metricsWriter() refuses numbers that JSON cannot say", () => {
  withFile((path) => {
    const write = metricsWriter(path);
    throws(
      () => write({ step: 7, gradNorm: NaN }),
      /Cannot log gradNorm at step 7: found NaN, expected a finite number or null/,
    );
    strictEqual(Deno.readTextFileSync(path), "");
  });
});

Deno.test("readMetrics() and metricsWriter() name the line that is no row", () => {
  withFile((path) => {
    for (
      const bad of ["[]", '{"loss":1}', '{"step":2,"loss":"x"}', "step 2", ""]
    ) {
      const text = `{"step":1}\n${bad}\n`;
      Deno.writeTextFileSync(path, text);
      throws(
        () => readMetrics(path),
        /line 2: found .*, expected an object of numbers/,
      );
      throws(() => metricsWriter(path, { keepThrough: 0 }), /line 2/);
      strictEqual(Deno.readTextFileSync(path), text);
    }
  });
});

function withFile(use: (path: string) => void) {
  using folder = temporaryFolder();
  use(join(folder.path, "metrics.jsonl"));
}

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type Tensor } from "lib/onnx/tensors.ts";
import { createState, type Slot, type State } from "lib/onnx/state.ts";
import { add } from "lib/ops/elementwise.ts";
import { webgpuTest } from "../webgpu.ts";

const SMALL: Slot = { name: "small", shape: [2, 2] };
const NORM: Slot = { name: "norm", shape: [3] };
/** Two groups; one tensor is larger than a piece. */
const GROUPS: Slot[][] = [
  [{ name: "large", shape: [1025, 1024] }, SMALL],
  [NORM, { name: "bias", shape: [2] }],
];
const SLOTS = GROUPS.flat();
const sizeOf = ({ shape }: Slot) => shape.reduce((a, b) => a * b);
const floats = (tensor: Tensor | undefined) =>
  hostData(tensor) as Float32Array<ArrayBuffer>;

Deno.test("a state on the host starts at zero, in the shapes of its slots", async () => {
  const state = await createState(GROUPS, "cpu");
  for (const slot of SLOTS) {
    const tensor = state.tensors[slot.name]!;
    deepStrictEqual("shape" in tensor && tensor.shape, slot.shape);
    strictEqual(floats(tensor).length, sizeOf(slot));
    ok(floats(tensor).every((x) => x === 0));
  }
});

Deno.test("the pieces of a state on the host are all its elements, once each", async () => {
  const state = await createState(GROUPS, "cpu");
  let count = 0;
  for (const { now } of state.pieces) {
    for (const i of floats(now).keys()) floats(now)[i] = ++count;
  }
  const all = SLOTS.flatMap(({ name }) => [...floats(state.tensors[name])]);
  strictEqual(count, all.length);
  all.sort((a, b) => a - b);
  strictEqual(all.findIndex((x, i) => x !== i + 1), -1);
});

Deno.test("a state on the host has its tensors in the order of the groups", async () => {
  const state = await createState(GROUPS, "cpu");
  const offsets = SLOTS.map(({ name }) =>
    floats(state.tensors[name]).byteOffset
  );
  deepStrictEqual(offsets, offsets.toSorted((a, b) => a - b));
  deepStrictEqual(
    [...(await state.read()).keys()],
    SLOTS.map(({ name }) => name),
  );
});

Deno.test("the pieces of a state on the host keep groups apart", async () => {
  const state = await createState(GROUPS, "cpu");
  for (const [group, slots] of GROUPS.entries()) {
    for (const { name } of slots) floats(state.tensors[name]).fill(group);
  }
  for (const { group, now } of state.pieces) {
    ok(floats(now).every((x) => x === group));
  }
  deepStrictEqual(state.pieces.map(({ group }) => group), [0, 0, 1]);
});

Deno.test("states of the same groups have pieces that correspond", async () => {
  const sizes = async () =>
    (await createState(GROUPS, "cpu")).pieces.map(({ now }) =>
      floats(now).length
    );
  deepStrictEqual(await sizes(), await sizes());
});

Deno.test("a state on the host is its own next", async () => {
  const state = await createState(GROUPS, "cpu");
  floats(state.next["bias"])[1] = 5;
  for (const { now, next } of state.pieces) strictEqual(now, next);
  state.advance();
  strictEqual(floats(state.tensors["bias"])[1], 5);
});

Deno.test("a state writes some tensors, reads all of them and clears", async () => {
  const state = await createState([[NORM], [SMALL]], "cpu");
  await state.write(new Map([["small", Float32Array.of(1, 2, 3, 4)]]));
  await state.write(new Map([["norm", Float32Array.of(5, 6, 7)]]));
  const written = await state.read();
  const expected = new Map([
    ["small", Float32Array.of(1, 2, 3, 4)],
    ["norm", Float32Array.of(5, 6, 7)],
  ]);
  deepStrictEqual(written, expected);
  await state.write();
  // What was read is a copy.
  deepStrictEqual(written, expected);
  ok([...(await state.read()).values()].every((x) => x.every((y) => y === 0)));
});

/** Doubles a state that holds 1, 2, 3, … in one array. */
async function assertChanges(state: State): Promise<void> {
  await state.write(new Map([["norm", Float32Array.of(1, 2, 3)]]));
  await state.write(new Map([["small", Float32Array.of(4, 5, 6, 7)]]));
  await state.change((values) => {
    deepStrictEqual(values, Float32Array.of(1, 2, 3, 4, 5, 6, 7));
    for (const i of values.keys()) values[i]! *= 2;
    return Promise.resolve();
  });
  const expected = new Map([
    ["norm", Float32Array.of(2, 4, 6)],
    ["small", Float32Array.of(8, 10, 12, 14)],
  ]);
  deepStrictEqual(await state.read(), expected);
}

Deno.test("values of a state on the host change in one array", async () => {
  await assertChanges(await createState([[NORM], [SMALL]], "cpu"));
});

webgpuTest("values of a state on WebGPU change in one array", async () => {
  const state = await createState([[NORM], [SMALL]], "webgpu");
  await assertChanges(state);
  await state.release();
});

Deno.test("the memory of a state on the host is where its values are", async () => {
  const state = await createState([[NORM], [SMALL]], "cpu");
  await state.write(new Map([["small", Float32Array.of(4, 5, 6, 7)]]));
  const [memory, ...others] = state.memory();
  deepStrictEqual(others, []);
  const { address, length } = memory!;
  const pointer = Deno.UnsafePointer.create(address)!;
  const bytes = Deno.UnsafePointerView.getArrayBuffer(pointer, 4 * length);
  deepStrictEqual([...new Float32Array(bytes)], [0, 0, 0, 4, 5, 6, 7]);
  deepStrictEqual((await createState([], "cpu")).memory(), []);
});

Deno.test("a state with an empty group has no empty pieces", async () => {
  const state = await createState([[], [NORM]], "cpu");
  strictEqual(state.pieces.length, 1);
  strictEqual((await createState([], "cpu")).pieces.length, 0);
});

webgpuTest(
  "a state on WebGPU writes some tensors, reads all of them and clears",
  async () => {
    const state = await createState([[NORM], [SMALL]], "webgpu");
    await state.write(new Map([["small", Float32Array.of(1, 2, 3, 4)]]));
    const expected = new Map([
      ["norm", Float32Array.of(0, 0, 0)],
      ["small", Float32Array.of(1, 2, 3, 4)],
    ]);
    deepStrictEqual(await state.read(), expected);
    await state.write();
    ok(
      [...(await state.read()).values()].every((x) => x.every((y) => y === 0)),
    );
    await state.release();
  },
);

webgpuTest(
  "a state on WebGPU takes turns with its next, whole or in pieces",
  async () => {
    const state = await createState([[SMALL]], "webgpu");
    const increment = async (shape: (number | string)[]) => {
      const y = add(new Graph().input("x", shape), 1);
      return await compile({ y }, { device: "webgpu", strict: true });
    };
    const [whole, flat] = [await increment([2, 2]), await increment(["n"])];
    const values = async () => [...(await state.read()).get("small")!];
    for (const count of [1, 3, 5]) {
      const { small: x } = state.tensors;
      await whole.run({ x: x! }, { y: state.next["small"]! });
      deepStrictEqual(await values(), Array(4).fill(count - 1));
      state.advance();
      deepStrictEqual(await values(), Array(4).fill(count));
      for (const { now, next } of state.pieces) {
        await flat.run({ x: now }, { y: next });
      }
      state.advance();
    }
    deepStrictEqual(await values(), Array(4).fill(6));
    await whole.release();
    await flat.release();
    await state.release();
  },
);

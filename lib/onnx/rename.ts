import type { Graph, Value } from "./graph/graph.ts";

/** Gives values of a graph the names that others know them by. */
export function renameValues(
  graph: Graph,
  names: ReadonlyMap<string, string>,
): void {
  const renamed = (value: Value) => ({
    ...value,
    name: names.get(value.name) ?? value.name,
  });
  replace(graph.nodes, (node) => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }));
  replace(graph.constants, (constant) => ({
    ...constant,
    value: renamed(constant.value),
  }));
}

/** Gives the files of a graph's weights other names. */
export function renameFiles(
  graph: Graph,
  rename: (file: string) => string,
): void {
  replace(
    graph.constants,
    ({ value, data }) =>
      "file" in data
        ? { value, data: { ...data, file: rename(data.file) } }
        : { value, data },
  );
}

function replace<T>(list: T[], change: (item: T) => T): void {
  list.splice(0, Infinity, ...list.map(change));
}

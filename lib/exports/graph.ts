/**
 * Graphs of operators, their gradients, and sessions that compute them.
 *
 * @module
 */
export { gradient, type GradientOptions } from "../grad.ts";
export { apply, type Given, type Operand } from "../onnx/graph/apply.ts";
export {
  type ConstantData,
  type External,
  type Held,
} from "../onnx/graph/constant_data.ts";
export {
  type Accepts,
  type AnyOp,
  type Attribute,
  type Attributes,
  type Constant,
  type Each,
  Graph,
  type GraphOptions,
  type NoAttributes,
  type Node,
  type Op,
  type Value,
  type Values,
  type Written,
} from "../onnx/graph/graph.ts";
export {
  type Dim,
  type DType,
  type Float,
  type Shape,
  type Type,
} from "../onnx/graph/tensor_type.ts";
export { type Device, type Precision } from "../onnx/providers.ts";
export { type Program } from "../onnx/program.ts";
export { compile, type CompileOptions } from "../onnx/session.ts";
export {
  type DeviceTensor,
  hostData,
  type HostTensor,
  type Tensor,
  type TensorData,
  type Tensors,
} from "../onnx/tensors.ts";
export { ACTIVATION_NAMES, type ActivationName } from "../ops/activation.ts";
export {
  add,
  div,
  exp,
  log,
  max,
  min,
  mul,
  neg,
  sigmoid,
  sub,
  tanh,
} from "../ops/elementwise.ts";
export { sum } from "../ops/shaping.ts";
export { softplus } from "../ops/special.ts";

/**
 * Graphs of operators, their gradients, and sessions that compute them.
 *
 * @module
 */
export { gradient, type GradientOptions } from "../grad.ts";
export {
  type Accepts,
  type AnyOp,
  apply,
  type Attribute,
  type Attributes,
  type Constant,
  type ConstantData,
  type Dim,
  type DType,
  type Each,
  type External,
  type Float,
  type Given,
  Graph,
  type GraphOptions,
  type Held,
  type NoAttributes,
  type Node,
  type Op,
  type Operand,
  type Shape,
  type Type,
  type Value,
  type Values,
  type Written,
} from "../onnx/graph.ts";
export { type Device, type Precision } from "../onnx/providers.ts";
export {
  compile,
  type CompileOptions,
  type DeviceTensor,
  hostData,
  type HostTensor,
  type Program,
  type Tensor,
  type TensorData,
  type Tensors,
} from "../onnx/session.ts";
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

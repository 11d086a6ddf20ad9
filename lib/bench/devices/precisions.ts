import { resolveDevice, unavailablePrecision } from "../../onnx/devices.ts";
import {
  type Device,
  type Precision,
  PRECISIONS,
} from "../../onnx/providers.ts";

/**
 * Number formats that are measured on a device, by trials. The CPU only plays
 * those of 16 bits, for tests.
 *
 * @throws Error that says why the device does not work.
 */
export async function precisionsOf(device: Device): Promise<Precision[]> {
  await resolveDevice(device);
  if (device === "cpu") return ["float32"];
  const found: Precision[] = [];
  for (const precision of PRECISIONS) {
    const error = await unavailablePrecision(device, precision);
    if (!error) found.push(precision);
  }
  return found;
}

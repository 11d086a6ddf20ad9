import { FOLDER, providers, VERSION } from "./ffi/library.ts";
import { type Device, DEVICES } from "./providers.ts";

/** The engine as installed. */
export interface Engine {
  readonly version: string;
  /** Devices that its library for this platform knows. */
  readonly devices: ReadonlySet<Device>;
  /** Folder of the library, where those of providers are looked for. */
  readonly folder: string;
}

/** onnxruntime as installed, its devices and its folder. */
export function engine(): Engine {
  const known = providers().map((name) => name.toLowerCase());
  return {
    version: VERSION,
    devices: new Set(
      DEVICES.filter((device) => known.includes(`${device}executionprovider`)),
    ),
    folder: FOLDER,
  };
}

/**
 * Keeps onnxruntime from reporting to its makers, and from leaving an id of the
 * machine in the user's cache, as it does since 1.30. It looks once, when it is
 * loaded, so this must be imported first.
 */
Deno.env.set("ORT_DISABLE_TELEMETRY", "1");

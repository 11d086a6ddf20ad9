/**
 * Keeps onnxruntime from telling its makers what is run, on what machine, and
 * from leaving an id of the machine in the user's cache, as it does since 1.30:
 * to be imported before it, which looks once, when it is loaded.
 */
Deno.env.set("ORT_DISABLE_TELEMETRY", "1");

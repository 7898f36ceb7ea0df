/**
 * ONNX Runtime from 1.29 on reports what it runs to its maker and keeps an identifier and a database in the user's cache.
 * Here it does neither. It looks at this once, when it is loaded: import this file before anything that loads it.
 */
process.env.ORT_DISABLE_TELEMETRY = "1";

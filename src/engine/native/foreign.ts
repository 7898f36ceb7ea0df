import koffi from "koffi";

/** ORT runs deep inside worker threads; koffi's own default of 128 KiB of stack is too little for it. */
const ASYNC_STACK_BYTES = 4 << 20;

// Only possible before the first library is loaded.
if (koffi.config().async_stack_size !== ASYNC_STACK_BYTES) koffi.config({ async_stack_size: ASYNC_STACK_BYTES });

/** Calls into native code. The one place that imports koffi, so that it is configured before its first use. */
export const foreign = koffi;

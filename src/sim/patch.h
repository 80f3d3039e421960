/* What must not run natively in an image: found when the image is mapped, trapped or patched, and emulated. */
#ifndef IRPLAB_SIM_PATCH_H
#define IRPLAB_SIM_PATCH_H

#include <stddef.h>
#include <stdint.h>

/* Puts the image's own bytes back into a copy of the `bytes` bytes at `address`, for views, disassembly and unwinding. */
void patch_original_bytes(uint64_t address, void *copy, size_t bytes);

#endif

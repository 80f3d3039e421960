/* Is control in an epilog, and what is left of it. Private to the unwinder. */
#ifndef IRPLAB_PE_EPILOG_H
#define IRPLAB_PE_EPILOG_H

#include "pe/unwind.h"

struct pe_epilog { /* what remains to be executed at the current instruction */
    bool found;
    int base;          /* register that rsp is first set from; PE_RSP for `add rsp` or when nothing is adjusted */
    int32_t adjust;    /* added to it */
    uint8_t pop_count;
    uint8_t pops[32];  /* registers in order; then the return address is popped */
};

/* `info` is of `fn`, which covers `rva`. */
void pe_epilog_find(const struct pe_mapped *m, const struct pe_function *fn, const struct pe_unwind_info *info,
                    uint32_t rva, pe_read_fn *read, void *ctx, struct pe_epilog *out);

#endif

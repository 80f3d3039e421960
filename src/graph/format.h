/* Instructions as WinDbg writes them: `mov     rcx,qword ptr [rcx+18h]`, `call    qword ptr [drv!_imp_X (00000001`400042a8)]`.
 * Zydis decodes; the text is ours. */
#ifndef IRPLAB_GRAPH_FORMAT_H
#define IRPLAB_GRAPH_FORMAT_H

#include <Zydis/Zydis.h>

#include "graph/image.h"

struct graph_decoded {
    ZydisDecodedInstruction i;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint32_t rva;
};

bool graph_decode_full(const struct graph_image *g, uint32_t rva, struct graph_decoded *out); /* false: no instruction */

/* Mnemonic and operands; addresses with their symbols. Returns out (of GRAPH_LINE bytes). */
enum { GRAPH_LINE = 2200 };
const char *graph_format(const struct graph_image *g, const struct graph_decoded *d, char *out);

/* What a reader would look up: a status name, a string. Empty if there is nothing to say. */
const char *graph_comment(const struct graph_image *g, const struct graph_decoded *d, char *out);

/* The address an operand refers to, as RVA; 0: none inside the image. */
uint32_t graph_referred(const struct graph_image *g, const struct graph_decoded *d);

#endif

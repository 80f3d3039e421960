/* Comments behind instructions: names of statuses, texts of strings. */
#include "graph/format.h"

#include <stdio.h>
#include <string.h>

#include "nt/status.h"

enum { SHOWN = 60, SHORTEST = 3 };

uint32_t graph_referred(const struct graph_image *g, const struct graph_decoded *d)
{
    for (unsigned k = 0; k < d->i.operand_count_visible; k++) {
        const ZydisDecodedOperand *op = &d->op[k];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.base == ZYDIS_REGISTER_RIP)
            return pe_rva_of(&g->m, g->x.image_base + d->rva + d->i.length + (uint64_t)op->mem.disp.value);
        if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op->imm.is_relative)
            return pe_rva_of(&g->m, g->x.image_base + d->rva + d->i.length + op->imm.value.u);
    }
    return 0;
}

static bool printable(unsigned c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
}

/* Characters of `width` bytes up to a zero; 0 if these are none. */
static size_t string_length(const struct graph_image *g, uint32_t rva, unsigned width)
{
    for (size_t n = 0;; n++) {
        const uint8_t *p = pe_at(&g->m, rva + (uint32_t)n * width, width);
        unsigned c = p ? p[0] | (width == 2 ? (unsigned)p[1] << 8 : 0) : 1;
        if (c == 0)
            return n >= SHORTEST ? n : 0;
        if (!printable(c) || n == 4096)
            return 0;
    }
}

static bool string_comment(const struct graph_image *g, uint32_t rva, char *out)
{
    unsigned width = 1;
    size_t n = string_length(g, rva, 1);
    if (!n && (n = string_length(g, rva, 2)) != 0)
        width = 2;
    if (!n)
        return false;
    strcpy(out, width == 2 ? "  ; L\"" : "  ; \"");
    size_t at = strlen(out);
    for (size_t k = 0; k < n && k < SHOWN; k++) {
        const char *at_k = pe_at(&g->m, rva + (uint32_t)k * width, width);
        char c = at_k ? *at_k : '?';
        if (c == '\n' || c == '\r' || c == '\t' || c == '"' || c == '\\') {
            out[at++] = '\\';
            c = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c;
        }
        out[at++] = c;
    }
    strcpy(out + at, n > SHOWN ? "…\"" : "\"");
    return true;
}

static bool status_comment(const struct graph_decoded *d, char *out)
{
    for (unsigned k = 0; k < d->i.operand_count_visible; k++) {
        const ZydisDecodedOperand *op = &d->op[k];
        uint64_t v = op->imm.value.u;
        if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || op->imm.is_relative || (v >> 32 != 0 && v >> 32 != UINT32_MAX))
            continue;
        const char *name = (uint32_t)v >> 30 >= 2 ? nt_status_name((NTSTATUS)(uint32_t)v) : "";
        if (strncmp(name, "STATUS_", 7) == 0 && (uint32_t)v < 0xfffff000u) {
            sprintf(out, "  ; %s", name);
            return true;
        }
    }
    return false;
}

const char *graph_comment(const struct graph_image *g, const struct graph_decoded *d, char *out)
{
    out[0] = 0;
    uint32_t rva = graph_referred(g, d);
    if (status_comment(d, out) || !rva || graph_is_code(g, rva) || graph_import_at(&g->x, rva) != GRAPH_NONE)
        return out;
    string_comment(g, rva, out);
    return out;
}

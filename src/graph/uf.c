/* Listings. */
#include "graph/uf.h"
#include "graph/flow.h"

static bool is_jump(const ZydisDecodedInstruction *i)
{
    return i->meta.category == ZYDIS_CATEGORY_COND_BR || i->meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

void graph_uf_line(const struct graph_image *g, const struct graph_decoded *d, const struct graph_listing *how, FILE *out)
{
    char text[GRAPH_LINE], comment[GRAPH_LINE];
    if (!how->bare) {
        uint64_t va = g->x.image_base + d->rva;
        fprintf(out, "%08x`%08x ", (unsigned)(va >> 32), (unsigned)va);
        for (unsigned k = 0; k < d->i.length; k++)
            fprintf(out, "%02x", g->m.base[d->rva + k]);
        fprintf(out, "%*s", d->i.length < 8 ? 16 - 2 * d->i.length : 1, "");
    }
    fputs(graph_format(g, d, text), out);
    if (is_jump(&d->i) && d->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        fputs("  Branch", out);
    if (!how->no_comments)
        fputs(graph_comment(g, d, comment), out);
}

static void list_block(const struct graph_image *g, const struct graph_block *b, const struct graph_listing *how, FILE *out)
{
    char name[GRAPH_NAME];
    fprintf(out, "%s:\n", graph_address_name(g, b->begin, name));
    for (uint32_t at = b->begin; at < b->end;) {
        struct graph_decoded d;
        if (graph_is_absent(g, at)) {
            uint64_t va = g->x.image_base + at;
            fprintf(out, "%08x`%08x ??              ???   ; not in the dump\n", (unsigned)(va >> 32), (unsigned)va);
            at = (at | 4095) + 1;
            continue;
        }
        if (!graph_decode_full(g, at, &d))
            return;
        graph_uf_line(g, &d, how, out);
        fputc('\n', out);
        at += d.i.length;
    }
}

bool graph_uf(const struct graph_image *g, uint32_t function, const struct graph_listing *how, FILE *out)
{
    struct graph_body body;
    if (!graph_body(g, function, &body))
        return false;
    for (uint32_t i = 0; i < body.count; i++) {
        if (i)
            fputc('\n', out);
        list_block(g, &body.blocks[i], how, out);
    }
    graph_body_free(&body);
    return true;
}

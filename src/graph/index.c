/* Looking things up in an index. */
#include "graph/index.h"

#include <stdlib.h>

/* How many functions begin at or before an RVA. */
static uint32_t functions_until(const struct graph_index *x, uint32_t rva)
{
    uint32_t low = 0, high = x->function_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (x->functions[mid].rva <= rva)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t graph_function_at(const struct graph_index *x, uint32_t rva)
{
    uint32_t n = functions_until(x, rva);
    return n && x->functions[n - 1].rva == rva ? n - 1 : GRAPH_NONE;
}

static const struct graph_part *part_at(const struct graph_index *x, uint32_t rva)
{
    uint32_t low = 0, high = x->part_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (x->parts[mid].begin <= rva)
            low = mid + 1;
        else
            high = mid;
    }
    return low && rva < x->parts[low - 1].end ? &x->parts[low - 1] : NULL;
}

uint32_t graph_function_owning(const struct graph_index *x, uint32_t rva)
{
    const struct graph_part *p = x->part_count ? part_at(x, rva) : NULL;
    uint32_t n = functions_until(x, rva);
    const struct graph_function *f = n ? &x->functions[n - 1] : NULL;
    if (f && rva < f->end && (!p || f->rva >= p->begin))
        return n - 1;
    return p ? p->function : GRAPH_NONE;
}

uint32_t graph_import_at(const struct graph_index *x, uint32_t slot)
{
    uint32_t low = 0, high = x->import_count;
    if (!high || slot < x->imports[0].slot || slot > x->imports[high - 1].slot)
        return GRAPH_NONE;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (x->imports[mid].slot < slot)
            low = mid + 1;
        else
            high = mid;
    }
    return x->imports[low].slot == slot ? low : GRAPH_NONE;
}

uint32_t graph_first_table(const struct graph_index *x, uint32_t rva)
{
    uint32_t low = 0, high = x->table_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (x->tables[mid].jump < rva)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct graph_table *graph_table_of(const struct graph_index *x, uint32_t jump)
{
    uint32_t low = graph_first_table(x, jump);
    return low < x->table_count && x->tables[low].jump == jump ? &x->tables[low] : NULL;
}

const struct graph_symbol *graph_symbol_near(const struct graph_index *x, uint32_t rva)
{
    uint32_t low = 0, high = x->symbol_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (x->symbols[mid].rva <= rva)
            low = mid + 1;
        else
            high = mid;
    }
    while (low > 1 && x->symbols[low - 2].rva == x->symbols[low - 1].rva) /* the preferred name is the first */
        low--;
    return low ? &x->symbols[low - 1] : NULL;
}

/* Where the count of edges into a target is kept; NULL for edges into neither a function nor an import. */
static uint32_t *in_count(struct graph_index *x, const struct graph_edge *e, uint32_t **first)
{
    if (e->kind == GRAPH_EDGE_IMPORT) {
        *first = &x->imports[e->to].first_in;
        return &x->imports[e->to].in_count;
    }
    if (e->kind == GRAPH_EDGE_GUARD)
        return NULL;
    *first = &x->functions[e->to].first_in;
    return &x->functions[e->to].in_count;
}

bool graph_make_incoming(struct graph_index *x)
{
    uint32_t *first, *count;
    for (uint32_t f = 0; f < x->function_count; f++)
        x->functions[f].in_count = 0;
    for (uint32_t i = 0; i < x->import_count; i++)
        x->imports[i].in_count = 0;
    free(x->incoming);
    x->incoming = malloc((x->edge_count + 1) * sizeof *x->incoming);
    if (!x->incoming)
        return false;
    for (uint32_t i = 0; i < x->edge_count; i++)
        if ((count = in_count(x, &x->edges[i], &first)) != NULL)
            ++*count;
    uint32_t next = 0;
    for (uint32_t f = 0; f < x->function_count; f++) {
        x->functions[f].first_in = next;
        next += x->functions[f].in_count;
        x->functions[f].in_count = 0;
    }
    for (uint32_t i = 0; i < x->import_count; i++) {
        x->imports[i].first_in = next;
        next += x->imports[i].in_count;
        x->imports[i].in_count = 0;
    }
    for (uint32_t i = 0; i < x->edge_count; i++)
        if ((count = in_count(x, &x->edges[i], &first)) != NULL)
            x->incoming[*first + (*count)++] = i;
    x->incoming_count = next;
    return true;
}

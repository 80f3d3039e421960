/* Parts that gcc splits off without a chained record: `f.cold` has a .pdata entry of its own and is entered by jumps of f. */
#include "graph/build.h"

#include <string.h>

static struct graph_part *part_beginning(struct graph_builder *b, uint32_t rva)
{
    size_t low = 0, high = b->part_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (b->parts[mid].begin <= rva)
            low = mid + 1;
        else
            high = mid;
    }
    return low && rva < b->parts[low - 1].end ? &b->parts[low - 1] : NULL;
}

static bool is_cold_name(const char *name)
{
    const char *cold = strstr(name, ".cold");
    return cold && cold != name && strspn(cold + 5, ".0123456789") == strlen(cold + 5);
}

void graph_join_cold_parts(struct graph_builder *b)
{
    const struct pe_symbol *s;
    bool any = false;
    for (size_t i = 0; (s = pe_symbol_get(b->symbols, i)) != NULL; i++)
        if (s->rva < b->g->m.size && b->state[s->rva] & STATE_PART && is_cold_name(s->name)) {
            b->state[s->rva] |= STATE_COLD;
            any = true;
        }
    for (size_t i = 0; any && i < b->raws.count; i++) {
        const struct graph_raw *r = &b->raws.at[i];
        if ((r->kind != RAW_JUMP && r->kind != RAW_BRANCH) || r->target >= b->g->m.size || !(b->state[r->target] & STATE_COLD))
            continue;
        struct graph_part *cold = part_beginning(b, r->target), *owner = part_beginning(b, r->site);
        if (!cold || !owner || cold->begin != r->target || b->state[owner->begin] & STATE_COLD)
            continue;
        cold->function = owner->function;
        b->state[r->target] &= (uint8_t) ~(STATE_COLD | STATE_START);
    }
}

/* Reading the tables of C++ functions: __CxxFrameHandler3's arrays and __CxxFrameHandler4's compressed streams. */
#include "win32/cxx.h"

/* ---- arrays ---- */

struct func_info {
    uint32_t magic; /* the upper three bits are flags */
    int32_t states, unwind_map;
    uint32_t tries;
    int32_t try_map;
    uint32_t places;
    int32_t ip_map, unwind_help, exception_specification; /* the last from magic + 1 on */
    int32_t flags; /* from magic + 2 on */
};
enum { FLAG_ONLY_CXX = 1, FLAG_NOEXCEPT = 4 };

struct unwind_entry {
    int32_t to_state, action;
};
struct try_entry {
    int32_t low, high, catch_high, count, handlers;
};
struct handler_entry {
    uint32_t adjectives;
    int32_t type, object, fn, frame_at;
};
struct ip_entry {
    uint32_t ip;
    int32_t state;
};

/* ---- compressed numbers ---- */

/* The count of trailing ones of the first byte tells the length: 0 one byte with 7 bits of value, ... 4 five bytes with 32. */
static uint32_t number(const uint8_t **at)
{
    const uint8_t *p = *at;
    unsigned extra = 0;
    while (extra < 4 && (p[0] >> extra & 1))
        extra++;
    uint32_t v;
    if (extra == 4) {
        memcpy(&v, p + 1, 4);
    } else {
        uint32_t raw = 0;
        memcpy(&raw, p, extra + 1);
        v = raw >> (extra + 1);
    }
    *at = p + extra + 1;
    return v;
}

static int32_t relative(const uint8_t **at)
{
    int32_t v;
    memcpy(&v, *at, 4);
    *at += 4;
    return v;
}

enum { HEADER_CATCH = 1, HEADER_SEPARATED = 2, HEADER_BBT = 4, HEADER_UNWIND_MAP = 8, HEADER_TRY_MAP = 16, HEADER_ONLY_CXX = 32, HEADER_NOEXCEPT = 64 };

/* The part of a function that was put elsewhere has an instruction map of its own. */
static const uint8_t *separated_map(const struct cxx_function *f, const uint8_t *at)
{
    uint32_t count = number(&at);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t begin = (uint32_t)relative(&at);
        int32_t map = relative(&at);
        if (begin == f->begin)
            return (const uint8_t *)(f->base + (uint32_t)map);
    }
    return NULL;
}

static void read_compressed(struct cxx_function *f, const uint8_t *at)
{
    uint8_t header = *at++;
    if (header & HEADER_BBT)
        number(&at);
    if (header & HEADER_UNWIND_MAP) {
        f->unwind_map = (const uint8_t *)(f->base + (uint32_t)relative(&at));
        f->states = number(&f->unwind_map);
    }
    if (header & HEADER_TRY_MAP) {
        f->try_map = (const uint8_t *)(f->base + (uint32_t)relative(&at));
        f->tries = number(&f->try_map);
    }
    f->ip_map = (const uint8_t *)(f->base + (uint32_t)relative(&at));
    if (header & HEADER_SEPARATED)
        f->ip_map = separated_map(f, f->ip_map);
    if (f->ip_map)
        f->places = number(&f->ip_map);
    f->is_catch = header & HEADER_CATCH;
    if (f->is_catch)
        f->frame_at = number(&at);
    f->only_cxx = header & HEADER_ONLY_CXX;
    f->is_noexcept = header & HEADER_NOEXCEPT;
}

/* ---- both ---- */

/* The entry of the whole function: parts of it are chained to it. */
static uint32_t primary_begin(const DISPATCHER_CONTEXT *dc)
{
    enum { CHAINED = 4 };
    RUNTIME_FUNCTION fn = *dc->FunctionEntry;
    for (unsigned depth = 0; depth < 32; depth++) {
        const uint8_t *info = (const uint8_t *)(dc->ImageBase + fn.UnwindData);
        if (!(info[0] >> 3 & CHAINED))
            break;
        memcpy(&fn, info + 4 + ((info[2] + 1u) & ~1u) * 2, sizeof fn);
    }
    return fn.BeginAddress;
}

bool cxx_function_read(struct cxx_function *f, const DISPATCHER_CONTEXT *dc, bool compressed)
{
    *f = (struct cxx_function) { .base = dc->ImageBase, .begin = primary_begin(dc), .is_compressed = compressed };
    int32_t at;
    memcpy(&at, dc->HandlerData, 4);
    if (compressed) {
        read_compressed(f, (const uint8_t *)(f->base + (uint32_t)at));
        return true;
    }
    const struct func_info *i = (const struct func_info *)(f->base + (uint32_t)at);
    uint32_t age = (i->magic & 0x1FFFFFFF) - CXX_MAGIC;
    if (age > 2)
        return false;
    f->states = (uint32_t)i->states;
    f->tries = i->tries;
    f->places = i->places;
    f->unwind_map = (const uint8_t *)(f->base + (uint32_t)i->unwind_map);
    f->try_map = (const uint8_t *)(f->base + (uint32_t)i->try_map);
    f->ip_map = (const uint8_t *)(f->base + (uint32_t)i->ip_map);
    f->only_cxx = age == 2 && (i->flags & FLAG_ONLY_CXX);
    f->is_noexcept = age == 2 && (i->flags & FLAG_NOEXCEPT);
    return true;
}

/* A return address that is a range's first byte belongs to it: compilers begin a range one byte behind the call before it. */
int cxx_state_at(const struct cxx_function *f, uint64_t pc)
{
    uint64_t ip = pc - f->base;
    int state = -1;
    if (!f->is_compressed) {
        const struct ip_entry *map = (const struct ip_entry *)f->ip_map;
        for (uint32_t i = 0; i < f->places && map[i].ip <= ip; i++)
            state = map[i].state;
        return state;
    }
    const uint8_t *at = f->ip_map;
    uint64_t place = f->begin;
    for (uint32_t i = 0; at && i < f->places; i++) {
        place += number(&at);
        if (place > ip)
            break;
        state = (int)number(&at) - 1;
    }
    return state;
}

enum { ACTION_NONE, ACTION_DESTROY, ACTION_DESTROY_POINTED, ACTION_FUNCLET };

/* Compressed: an entry says how far before it the one of its outer state begins. */
static bool compressed_action(const struct cxx_function *f, int state, struct cxx_action *out)
{
    const uint8_t *at = f->unwind_map, *entry = at;
    uint32_t back = 0, type = 0;
    for (int i = 0; i <= state; i++) {
        entry = at;
        uint32_t v = number(&at);
        type = v & 3;
        back = v >> 2;
        *out = (struct cxx_action) { 0 };
        if (type != ACTION_NONE)
            out->fn = f->base + (uint32_t)relative(&at);
        if (type == ACTION_DESTROY || type == ACTION_DESTROY_POINTED)
            out->object = number(&at);
    }
    static const enum cxx_action_kind kinds[] = { CXX_NOTHING, CXX_DESTROY, CXX_DESTROY_POINTED, CXX_FUNCLET };
    out->kind = kinds[type];
    out->to_state = -1;
    const uint8_t *outer = entry - back;
    at = f->unwind_map;
    for (int i = 0; i < state && at <= outer; i++) {
        if (at == outer)
            out->to_state = i;
        uint32_t v = number(&at);
        at += (v & 3) == ACTION_NONE ? 0 : 4;
        if ((v & 3) == ACTION_DESTROY || (v & 3) == ACTION_DESTROY_POINTED)
            number(&at);
    }
    return true;
}

bool cxx_action_of(const struct cxx_function *f, int state, struct cxx_action *out)
{
    if (state < 0 || (uint32_t)state >= f->states)
        return false;
    if (f->is_compressed)
        return compressed_action(f, state, out);
    const struct unwind_entry *e = (const struct unwind_entry *)f->unwind_map + state;
    *out = (struct cxx_action) { .kind = e->action ? CXX_FUNCLET : CXX_NOTHING, .fn = f->base + (uint32_t)e->action, .to_state = e->to_state };
    return true;
}

bool cxx_try_next(const struct cxx_function *f, uint32_t *i, const uint8_t **cursor, struct cxx_try *out)
{
    if (*i >= f->tries)
        return false;
    if (!*cursor)
        *cursor = f->try_map;
    ++*i;
    if (f->is_compressed) {
        out->low = (int)number(cursor);
        out->high = (int)number(cursor);
        out->catch_high = (int)number(cursor);
        out->at = (const uint8_t *)(f->base + (uint32_t)relative(cursor));
        out->handlers = number(&out->at);
        return true;
    }
    const struct try_entry *e = (const struct try_entry *)*cursor;
    *cursor += sizeof *e;
    *out = (struct cxx_try) { e->low, e->high, e->catch_high, (uint32_t)e->count, (const uint8_t *)(f->base + (uint32_t)e->handlers) };
    return true;
}

enum { HANDLER_ADJECTIVES = 1, HANDLER_TYPE = 2, HANDLER_OBJECT = 4, HANDLER_GO_ON_RELATIVE = 8, HANDLER_GO_ON_SHIFT = 4 };

static void compressed_handler(const struct cxx_function *f, const uint8_t **at, struct cxx_handler *out)
{
    uint8_t header = *(*at)++;
    *out = (struct cxx_handler) { 0 };
    if (header & HANDLER_ADJECTIVES)
        out->adjectives = number(at);
    if (header & HANDLER_TYPE)
        out->type = (const struct cxx_type *)(f->base + (uint32_t)relative(at));
    if (header & HANDLER_OBJECT)
        out->object = number(at);
    out->fn = f->base + (uint32_t)relative(at);
    out->go_on_count = header >> HANDLER_GO_ON_SHIFT & 3;
    for (uint32_t i = 0; i < out->go_on_count && i < 2; i++)
        out->go_on[i] = f->base + (header & HANDLER_GO_ON_RELATIVE ? (uint32_t)relative(at) : f->begin + number(at));
}

bool cxx_handler_next(const struct cxx_function *f, const struct cxx_try *t, uint32_t *i, const uint8_t **cursor, struct cxx_handler *out)
{
    if (*i >= t->handlers)
        return false;
    if (!*cursor)
        *cursor = t->at;
    ++*i;
    if (f->is_compressed) {
        compressed_handler(f, cursor, out);
    } else {
        const struct handler_entry *e = (const struct handler_entry *)*cursor;
        *cursor += sizeof *e;
        *out = (struct cxx_handler) { .adjectives = e->adjectives, .object = (uint32_t)e->object, .fn = f->base + (uint32_t)e->fn,
                                      .frame_at = (uint32_t)e->frame_at };
        if (e->type)
            out->type = (const struct cxx_type *)(f->base + (uint32_t)e->type);
    }
    if (out->type && !out->type->name[0])
        out->type = NULL;
    return true;
}

/* The tree itself: no handles, no access, no statuses. Names compare without case; enumeration order does not depend on addresses
 * or on the order in which threads made keys. */
#include <string.h>

#include "cm/key.h"
#include "mm/mm.h"
#include "rtl/nls.h"

struct cm_room *cm_room(void)
{
    return MACHINE->rooms[ROOM_CM];
}

struct cm_key *cm_root(void)
{
    cm_room()->viewer = NULL;
    return cm_room()->root;
}

static void *copy(const void *from, size_t bytes)
{
    return bytes ? memcpy(sim_alloc(bytes), from, bytes) : NULL;
}

/* As upper-case strings: negative, 0, positive. */
static int compare(const WCHAR *a, size_t na, const WCHAR *b, size_t nb)
{
    for (size_t i = 0; i < na && i < nb; i++) {
        int d = (int)rtl_upcase(a[i]) - (int)rtl_upcase(b[i]);
        if (d)
            return d;
    }
    return na < nb ? -1 : na > nb;
}

/* ---- keys ---- */

static struct cm_key **child_link(struct cm_key *key, const WCHAR *name, size_t chars, bool *found)
{
    struct cm_key **at = &key->children;
    int c = 1;
    while (*at && (c = compare((*at)->name, (*at)->name_bytes / 2u, name, chars)) < 0)
        at = &(*at)->sibling;
    *found = *at && c == 0;
    return at;
}

struct cm_key *cm_child(const struct cm_key *key, const WCHAR *name, size_t chars)
{
    bool found;
    struct cm_key *at = *child_link((struct cm_key *)key, name, chars, &found);
    return found && cm_sees(at) ? at : NULL;
}

bool cm_sees(const struct cm_key *key)
{
    return !key->maker || key->maker == cm_room()->viewer;
}

struct cm_key *cm_seen(struct cm_key *c)
{
    while (c && !cm_sees(c))
        c = c->sibling;
    return c;
}

bool cm_is_hidden(const struct cm_key *key, const WCHAR *name, size_t chars)
{
    bool found;
    const struct cm_key *at = *child_link((struct cm_key *)key, name, chars, &found);
    return found && !cm_sees(at);
}

static struct cm_key *key_new(const WCHAR *name, size_t chars)
{
    struct cm_room *r = cm_room();
    if (r->key_count == r->key_capacity) {
        uint64_t capacity = r->key_capacity ? r->key_capacity * 2 : 64;
        struct cm_key **bigger = sim_alloc(capacity * sizeof *bigger);
        if (r->by_id)
            memcpy(bigger, r->by_id, r->key_count * sizeof *bigger);
        sim_free(r->by_id, r->key_capacity * sizeof *bigger);
        r->by_id = bigger;
        r->key_capacity = capacity;
    }
    struct cm_key *k = sim_alloc(sizeof *k);
    k->id = r->key_count;
    r->by_id[r->key_count++] = k;
    k->name = copy(name, chars * 2);
    k->name_bytes = (USHORT)(chars * 2);
    k->written_100ns = ke_system_time();
    return k;
}

struct cm_key *cm_child_make(struct cm_key *key, const WCHAR *name, size_t chars, bool is_volatile)
{
    struct cm_key *k = key_new(name, chars);
    if (!key)
        return k;
    bool found;
    struct cm_key **at = child_link(key, name, chars, &found);
    IR_ASSERT(!found);
    k->is_volatile = is_volatile;
    k->maker = cm_room()->viewer;
    k->parent = key;
    k->sibling = *at;
    *at = k;
    key->written_100ns = ke_system_time();
    return k;
}

static void value_free(struct cm_value *v)
{
    sim_free(v->name, v->name_bytes);
    sim_free(v->data, v->size);
    sim_free(v, sizeof *v);
}

void cm_told_name_drop(struct cm_key *key)
{
    if (key->told_name)
        ex_pool_free(key->told_name);
    key->told_name = NULL;
    for (struct cm_key *c = key->children; c; c = c->sibling)
        cm_told_name_drop(c);
}

bool cm_key_rename(struct cm_key *key, const WCHAR *name, size_t chars)
{
    bool found;
    struct cm_key **at = child_link(key->parent, name, chars, &found);
    if (found && *at != key)
        return false;
    cm_told_name_drop(key);
    for (at = &key->parent->children; *at != key; at = &(*at)->sibling)
        ;
    *at = key->sibling;
    sim_free(key->name, key->name_bytes);
    key->name = copy(name, chars * 2);
    key->name_bytes = (USHORT)(chars * 2);
    at = child_link(key->parent, name, chars, &found);
    key->sibling = *at;
    *at = key;
    key->written_100ns = key->parent->written_100ns = ke_system_time();
    return true;
}

void cm_key_delete(struct cm_key *key)
{
    cm_told_name_drop(key);
    IR_ASSERT(!key->children && key->parent);
    bool found;
    struct cm_key **at = child_link(key->parent, key->name, key->name_bytes / 2u, &found);
    IR_ASSERT(found && *at == key);
    *at = key->sibling;
    key->parent->written_100ns = ke_system_time();
    while (key->values) {
        struct cm_value *v = key->values;
        key->values = v->next;
        value_free(v);
    }
    key->deleted = true; /* open handles go on meaning it */
}

size_t cm_key_path(const struct cm_key *key, WCHAR *text)
{
    const struct cm_key *up[PATH_DEPTH];
    size_t depth = 0, n = 0;
    for (; key && depth < PATH_DEPTH; key = key->parent)
        up[depth++] = key;
    while (depth-- > 0) {
        size_t chars = up[depth]->name_bytes / 2u;
        if (n + 1 + chars > KEY_PATH_CHARS)
            break;
        text[n++] = '\\';
        memcpy(text + n, up[depth]->name, chars * 2);
        n += chars;
    }
    return n;
}

/* ---- paths ---- */

static bool next_part(const WCHAR **path, size_t *chars, const WCHAR **part, size_t *part_chars)
{
    while (*chars && **path == '\\') {
        ++*path;
        --*chars;
    }
    *part = *path;
    while (*chars && **path != '\\') {
        ++*path;
        --*chars;
    }
    *part_chars = (size_t)(*path - *part);
    return *part_chars != 0;
}

/* ControlSet001 is where the link CurrentControlSet leads. */
static bool is_control_set(const WCHAR *part, size_t chars)
{
    static const WCHAR name[] = { 'C', 'O', 'N', 'T', 'R', 'O', 'L', 'S', 'E', 'T', '0', '0', '1' };
    return compare(part, chars, name, 13) == 0;
}

static struct cm_key *step(struct cm_key *key, const WCHAR *part, size_t chars)
{
    static const WCHAR current[] = { 'C', 'u', 'r', 'r', 'e', 'n', 't', 'C', 'o', 'n', 't', 'r', 'o', 'l', 'S', 'e', 't' };
    struct cm_key *child = cm_child(key, part, chars);
    return !child && is_control_set(part, chars) ? cm_child(key, current, 17) : child;
}

struct cm_key *cm_walk_path(struct cm_key *key, const WCHAR *path, size_t chars, const WCHAR **rest, size_t *rest_chars)
{
    const WCHAR *part;
    size_t n;
    for (;;) {
        *rest = path;
        *rest_chars = chars;
        if (!next_part(&path, &chars, &part, &n)) {
            *rest_chars = 0;
            return key;
        }
        struct cm_key *child = step(key, part, n);
        if (!child) {
            *rest_chars = (size_t)(path + chars - part);
            *rest = part;
            return key;
        }
        key = child;
    }
}

struct cm_key *cm_path_make(struct cm_key *key, const WCHAR *path, size_t chars, bool is_volatile)
{
    const WCHAR *part;
    size_t n;
    key = cm_walk_path(key, path, chars, &path, &chars);
    while (next_part(&path, &chars, &part, &n)) {
        if (cm_is_hidden(key, part, n))
            ke_unsupported("a key by path that a transaction is about to make");
        key = cm_child_make(key, part, n, is_volatile);
    }
    return key;
}

/* ---- values ---- */

static struct cm_value **value_link(struct cm_key *key, const WCHAR *name, size_t chars)
{
    struct cm_value **at = &key->values;
    while (*at && compare((*at)->name, (*at)->name_bytes / 2u, name, chars) != 0)
        at = &(*at)->next;
    return at;
}

struct cm_value *cm_value(const struct cm_key *key, const WCHAR *name, size_t chars)
{
    return *value_link((struct cm_key *)key, name, chars);
}

void cm_value_set(struct cm_key *key, const WCHAR *name, size_t chars, uint32_t type, const void *data, ULONG size)
{
    void *bytes = copy(data, size); /* guest memory: a fault comes before any change */
    struct cm_value **at = value_link(key, name, chars), *v = *at;
    if (!v) {
        v = sim_alloc(sizeof *v);
        v->name = copy(name, chars * 2);
        v->name_bytes = (USHORT)(chars * 2);
        *at = v;
    }
    sim_free(v->data, v->size);
    v->type = type;
    v->data = bytes;
    v->size = size;
    key->written_100ns = ke_system_time();
}

bool cm_value_delete(struct cm_key *key, const WCHAR *name, size_t chars)
{
    struct cm_value **at = value_link(key, name, chars), *v = *at;
    if (!v)
        return false;
    *at = v->next;
    value_free(v);
    key->written_100ns = ke_system_time();
    return true;
}

/* Modules of a program; see modules.h. */
#include "ps/modules.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "mm/mm.h"
#include "nt/status.h"
#include "ps/process.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/patch.h"

struct image_file *(*ps_module_file_hook)(const char *name, char *err, size_t errlen);

enum { TLS_MODULES = 64, PROCESS_DETACH = 0, PROCESS_ATTACH = 1, THREAD_ATTACH = 2, THREAD_DETACH = 3 };

struct module_need {
    struct user_module *to;
    struct module_need *next;
};

struct user_module {
    struct image *image;
    struct pe_tls tls;
    bool has_tls, pinned, started, quiet, is_program;
    uint32_t tls_index;
    uint32_t references; /* LoadLibrary calls and modules that need it */
    struct module_need *needs;
    struct user_module *next; /* in order of initialisation; while being mapped: the one that wanted it */
};

/* ---- lists ---- */

static struct user_module *module_of(const struct process *p, const struct image *image)
{
    for (int i = 0; i < 2; i++)
        for (struct user_module *m = i ? p->modules_mapping : p->modules; m; m = m->next)
            if (m->image == image)
                return m;
    return NULL;
}

static struct user_module *module_named(const struct process *p, const char *name)
{
    for (int i = 0; i < 2; i++)
        for (struct user_module *m = i ? p->modules_mapping : p->modules; m; m = m->next)
            if (m->image && strcasecmp(m->image->name, name) == 0)
                return m;
    return NULL;
}

struct image *ps_module_at(const struct process *p, unsigned index)
{
    static const char *const everywhere[] = { "ntdll.dll", "kernel32.dll" };
    enum { EVERYWHERE = sizeof everywhere / sizeof everywhere[0] };
    if (index == 0)
        return p->image;
    if (index <= EVERYWHERE)
        return image_find(everywhere[index - 1]);
    index -= EVERYWHERE;
    for (struct user_module *m = p->modules; m; m = m->next)
        if (!m->is_program && --index == 0)
            return m->image;
    return NULL;
}

static void append(struct process *p, struct user_module *m)
{
    struct user_module **at = &p->modules;
    while (*at)
        at = &(*at)->next;
    *at = m;
    m->next = NULL;
}

/* Modules in reverse order: the n-th from the end; NULL. */
static struct user_module *from_end(const struct process *p, unsigned n)
{
    unsigned count = 0;
    for (struct user_module *m = p->modules; m; m = m->next)
        count++;
    if (n >= count)
        return NULL;
    struct user_module *m = p->modules;
    for (count -= n + 1; count; count--)
        m = m->next;
    return m;
}

struct image *ps_module_find(const struct process *p, const char *name)
{
    struct image *i = image_find(name);
    if (i && i->synthetic && i->user)
        return i;
    struct user_module *m = module_named(p, name);
    return m ? m->image : NULL;
}

/* ---- mapping ---- */

static struct user_module *map(struct process *p, struct image_file *file, char *err, size_t errlen)
{
    uint64_t base = mm_user_reserve(p, file->pe.size_of_image + patch_room(file->pe.size_of_image), 0);
    if (!base) {
        snprintf(err, errlen, "%s: no room for it in the process", file->path);
        return NULL;
    }
    struct user_module *m = sim_alloc(sizeof *m);
    m->next = p->modules_mapping;
    p->modules_mapping = m;
    struct image *image = image_load(file, base, true, err, errlen);
    p->modules_mapping = m->next;
    m->image = image;
    if (!image) {
        sim_free(m, sizeof *m);
        return NULL;
    }
    m->has_tls = pe_tls(&image->pe, &m->tls);
    if (m->has_tls) {
        IR_ASSERT(p->tls_modules < TLS_MODULES);
        m->tls_index = p->tls_modules++;
        if (m->tls.index_rva)
            *(uint32_t *)(image->base + m->tls.index_rva) = m->tls_index;
    }
    append(p, m);
    return m;
}

static void need(struct user_module *who, struct user_module *what)
{
    for (struct module_need *n = who->needs; n; n = n->next)
        if (n->to == what)
            return;
    struct module_need *n = sim_alloc(sizeof *n);
    *n = (struct module_need) { what, who->needs };
    who->needs = n;
    what->references++;
}

/* Asked by the loader of images for a module that an image imports from. */
static struct image *wanted(const struct image *by, const char *name, char *err, size_t errlen)
{
    struct process *p = ps_room()->mapping;
    if (!p || !p->modules_mapping)
        return NULL;
    p->modules_mapping->image = (struct image *)by; /* from now on it can be found: modules may need each other */
    struct user_module *me = p->modules_mapping, *m = module_named(p, name);
    if (!m) {
        struct image_file *file = ps_module_file_hook ? ps_module_file_hook(name, err, errlen) : NULL;
        m = file ? map(p, file, err, errlen) : NULL;
    }
    if (!m)
        return NULL;
    need(me, m);
    return m->image;
}

bool ps_modules_create(struct process *p, struct image_file *file, char *err, size_t errlen)
{
    image_module_hook = wanted;
    ps_room()->mapping = p;
    p->tls_modules = 0;
    struct user_module *m = map(p, file, err, errlen);
    ps_room()->mapping = NULL;
    if (!m)
        return false;
    m->is_program = true;
    p->image = m->image;
    for (struct user_module *i = p->modules; i; i = i->next)
        i->pinned = true;
    return true;
}

/* ---- thread-local variables ---- */

static void template_copy(const struct user_module *m, uint64_t to)
{
    memcpy((void *)to, (void *)(m->image->base + m->tls.raw_rva), m->tls.raw_size);
}

static uint64_t tls_bytes(const struct user_module *m)
{
    return m->tls.raw_size + m->tls.zero_fill;
}

static uint64_t up(uint64_t x, uint64_t align)
{
    return (x + align - 1) & ~(align - 1);
}

uint64_t ps_modules_thread_bytes(const struct process *p)
{
    uint64_t bytes = TLS_MODULES * 8;
    for (const struct user_module *m = p->modules; m; m = m->next)
        if (m->has_tls)
            bytes = up(bytes, m->tls.alignment) + tls_bytes(m);
    return bytes;
}

/* One block a thread: the pointers, and behind them the copies for the modules that are there when it begins. */
void ps_modules_thread_create(struct thread *t, uint64_t block)
{
    struct process *p = t->process;
    uint64_t at = block + TLS_MODULES * 8;
    block = mm_user_alloc_at(p, block, ps_modules_thread_bytes(p));
    IR_ASSERT(block);
    for (const struct user_module *m = p->modules; m; m = m->next) {
        if (!m->has_tls)
            continue;
        at = up(at, m->tls.alignment);
        ((uint64_t *)block)[m->tls_index] = at;
        template_copy(m, at);
        at += tls_bytes(m);
    }
    *(uint64_t *)(t->teb + TEB_TLS_POINTER) = block;
}

/* A module that came later: every thread of the process gets its copy. */
static void tls_add(const struct process *p, const struct user_module *m)
{
    for (struct thread *t = ps_threads(); m->has_tls && t; t = t->next) {
        if (t->process != p || !t->teb)
            continue;
        uint64_t *block = *(uint64_t **)(t->teb + TEB_TLS_POINTER);
        if (!block)
            continue;
        block[m->tls_index] = mm_user_alloc(t->process, tls_bytes(m), PROT_READ | PROT_WRITE);
        IR_ASSERT(block[m->tls_index]);
        template_copy(m, block[m->tls_index]);
    }
}

void ps_modules_thread_free(struct thread *t)
{
    uint64_t block = *(uint64_t *)(t->teb + TEB_TLS_POINTER);
    uint64_t base, bytes;
    if (block && mm_user_range(t->process, block, &base, &bytes) && base == block)
        mm_user_retire(t->process, base);
}

/* ---- start and end ---- */

static void tls_callbacks(const struct user_module *m, unsigned reason, bool with_process)
{
    const struct image *i = m->image;
    uint32_t rva;
    for (unsigned n = 0; m->has_tls && pe_tls_callback(&i->pe, &m->tls, n, &rva); n++)
        guest_call(FRAME_NONE, (void *)(i->base + rva), 3, i->base, (uint64_t)reason, (uint64_t)with_process);
}

/* TLS callbacks and DllMain. False: DllMain said no to its start.
 * GUESS: at the end of the process DllMain comes first: GCC's run-time clears in it what its TLS callback would release again. */
static bool tell(const struct user_module *m, unsigned reason, bool with_process)
{
    const struct image *i = m->image;
    uint64_t answer = 1;
    if (reason != PROCESS_DETACH)
        tls_callbacks(m, reason, with_process);
    if (!m->is_program && i->entry)
        answer = guest_call(FRAME_NONE, (void *)i->entry, 3, i->base, (uint64_t)reason, (uint64_t)with_process);
    if (reason == PROCESS_DETACH)
        tls_callbacks(m, reason, with_process);
    return reason != PROCESS_ATTACH || (uint32_t)answer != 0;
}

void ps_modules_thread_begin(struct thread *t)
{
    struct process *p = t->process;
    if (p->main_thread != t) {
        for (const struct user_module *m = p->modules, *next; m; m = next) {
            next = m->next;
            if (m->started && !m->quiet)
                tell(m, THREAD_ATTACH, false);
        }
        return;
    }
    for (struct user_module *m = p->modules; m; m = m->next) {
        m->started = true;
        if (!tell(m, PROCESS_ATTACH, true))
            ps_exit_process(STATUS_DLL_INIT_FAILED);
    }
}

void ps_modules_thread_end(struct thread *t)
{
    const struct user_module *m;
    for (unsigned i = 0; (m = from_end(t->process, i)) != NULL; i++)
        if (m->started && !m->quiet && !m->is_program)
            tell(m, THREAD_DETACH, false);
    for (m = t->process->modules; m; m = m->next)
        if (m->is_program && m->started)
            tell(m, THREAD_DETACH, false);
}

void ps_modules_process_end(struct thread *t)
{
    struct user_module *m;
    for (unsigned i = 0; (m = from_end(t->process, i)) != NULL; i++) {
        if (!m->started || m->is_program)
            continue;
        m->started = false;
        tell(m, PROCESS_DETACH, true);
    }
    for (m = t->process->modules; m; m = m->next)
        if (m->is_program && m->started) {
            m->started = false;
            tell(m, PROCESS_DETACH, true);
        }
}

/* ---- LoadLibrary and FreeLibrary ---- */

static void unlink_module(struct process *p, struct user_module *m)
{
    struct user_module **at = &p->modules;
    while (*at && *at != m)
        at = &(*at)->next;
    if (*at)
        *at = m->next;
}

static void release(struct process *p, struct user_module *m)
{
    if (m->pinned || --m->references)
        return;
    if (m->started) {
        m->started = false;
        tell(m, PROCESS_DETACH, false);
    }
    unlink_module(p, m);
    while (m->needs) {
        struct module_need *n = m->needs;
        m->needs = n->next;
        release(p, n->to);
        sim_free(n, sizeof *n);
    }
    image_unload(m->image);
    sim_free(m, sizeof *m);
}

/* Starts what is mapped and not started yet. */
static bool start_new(struct process *p)
{
    for (struct user_module *m = p->modules; m; m = m->next)
        if (!m->started)
            tls_add(p, m);
    for (struct user_module *m = p->modules; m; m = m->next) {
        if (m->started)
            continue;
        m->started = true;
        if (tell(m, PROCESS_ATTACH, false))
            continue;
        m->started = false;
        return false;
    }
    return true;
}

enum module_result ps_module_load(const char *name, bool initialise, struct image **out)
{
    struct process *p = ps_current()->process;
    char err[400] = "";
    struct image *i = image_find(name);
    if (i && i->synthetic && i->user) {
        *out = i;
        return MODULE_OK;
    }
    struct user_module *m = module_named(p, name);
    if (!m) {
        struct image_file *file = ps_module_file_hook ? ps_module_file_hook(name, err, sizeof err) : NULL;
        if (!file)
            return err[0] ? MODULE_BAD : MODULE_NOT_FOUND;
        ps_room()->mapping = p;
        m = map(p, file, err, sizeof err);
        ps_room()->mapping = NULL;
        if (!m)
            return MODULE_BAD;
    }
    m->references++;
    *out = m->image;
    if (!initialise || start_new(p))
        return MODULE_OK;
    release(p, m);
    return MODULE_INIT_FAILED;
}

bool ps_module_free(struct image *image)
{
    struct process *p = ps_current()->process;
    struct user_module *m = module_of(p, image);
    if (m && (m->pinned || m->references))
        release(p, m);
    return m || (image->synthetic && image->user);
}

void ps_module_quiet(const struct image *image)
{
    struct user_module *m = module_of(ps_current()->process, image);
    if (m && !m->has_tls) /* documented: fails for a module with static thread-local variables */
        m->quiet = true;
}

void ps_module_reference(const struct image *image, bool pin)
{
    struct user_module *m = module_of(ps_current()->process, image);
    if (m) {
        m->references++;
        m->pinned |= pin;
    }
}

/* Throwing, and what a thread says about the exception that it handles. */
#include <stdio.h>

#include "win32/cxx.h"

#include "sim/image.h"
#include "trap/trap.h"

_Noreturn void crt__CxxThrowException(uint64_t object, const struct cxx_throw_info *info)
{
    enum { PURE = 8 };
    struct crt_thread *thread = crt_thread();
    if (!info && !thread->exception)
        crt_terminate();
    const struct image *i = info ? image_at((uint64_t)info) : NULL;
    uint64_t arguments[CXX_PARAMETERS] = { info && info->attributes & PURE ? CXX_MAGIC_PURE : CXX_MAGIC, object, (uint64_t)info, i ? i->base : 0 };
    thread->throwing++;
    RaiseException((ULONG)CXX_EXCEPTION, EXCEPTION_NONCONTINUABLE, CXX_PARAMETERS, arguments);
}

void cxx_destroy(const EXCEPTION_RECORD *thrown)
{
    const uint64_t *info = thrown->ExceptionInformation;
    if (thrown->ExceptionCode != CXX_EXCEPTION || thrown->NumberParameters != CXX_PARAMETERS || !info[1] || !info[2])
        return;
    const struct cxx_throw_info *t = (const struct cxx_throw_info *)info[2];
    if (t->destructor)
        guest_call(FRAME_CxxDestructExceptionObject, (void *)(info[3] + (uint32_t)t->destructor), 1, info[1]);
}

void crt___DestructExceptionObject(const EXCEPTION_RECORD *thrown, bool none)
{
    if (thrown)
        cxx_destroy(thrown);
}

uint64_t *crt___current_exception(void)
{
    return &crt_thread()->exception;
}

uint64_t *crt___current_exception_context(void)
{
    return &crt_thread()->exception_context;
}

int32_t *crt___processing_throw(void)
{
    return &crt_thread()->throwing;
}

int32_t crt___uncaught_exceptions(void)
{
    return crt_thread()->throwing;
}

bool crt___uncaught_exception(void)
{
    return crt_thread()->throwing != 0;
}

uint64_t crt___AdjustPointer(uint64_t object, const struct cxx_pmd *where)
{
    return cxx_adjust(object, where);
}

/* ---- what std::exception keeps ---- */

struct exception_data {
    const char *what;
    bool is_copy;
};

void crt___std_exception_copy(const struct exception_data *from, struct exception_data *to)
{
    if (!from->is_copy || !from->what) {
        *to = (struct exception_data) { from->what, false };
        return;
    }
    size_t n = strlen(from->what) + 1;
    uint64_t copy = w32_alloc(n);
    if (copy)
        memcpy((void *)copy, from->what, n);
    *to = (struct exception_data) { (const char *)copy, copy != 0 };
}

void crt___std_exception_destroy(struct exception_data *data)
{
    if (data->is_copy)
        w32_free((uint64_t)data->what);
    *data = (struct exception_data) { NULL, false };
}

uint64_t crt__get_purecall_handler(void)
{
    return w32_process()->purecall_handler;
}

uint64_t crt__get_terminate(void)
{
    return w32_process()->terminate_handler;
}

/* ---- what the run-time itself throws ---- */

/* A thrown std::bad_cast in the process's memory, with all that describes it. References count from the start of the user half, which is
 * less than 4 GiB long. */
struct standard_exception {
    struct {
        uint64_t vftable;
        struct exception_data data;
    } object;
    uint64_t functions[2];
    struct cxx_throw_info info;
    struct {
        int32_t count, types[2];
    } array;
    struct cxx_catchable types[2];
    struct {
        uint64_t vftable, undecorated;
        char name[40];
    } names[2];
};

static int32_t reference(const void *at)
{
    return (int32_t)(uint32_t)((uint64_t)at - USER_BASE);
}

static void describe(struct standard_exception *e, int i, const char *name)
{
    static const struct cxx_pmd here = { 0, -1, 0 };
    snprintf(e->names[i].name, sizeof e->names[i].name, ".?AV%s@std@@", name);
    e->types[i] = (struct cxx_catchable) { .type = reference(&e->names[i]), .where = here, .size = sizeof e->object };
    e->array.types[i] = reference(&e->types[i]);
}

_Noreturn void cxx_throw_standard(const char *name, const char *what)
{
    struct standard_exception *e = (struct standard_exception *)w32_alloc_zeroed(sizeof *e + strlen(what) + 1);
    if (!e)
        crt_terminate();
    strcpy((char *)(e + 1), what);
    e->functions[0] = door_export_address("ntdll.dll", "CxxExceptionDestroy");
    e->functions[1] = door_export_address("ntdll.dll", "CxxExceptionWhat");
    e->object.vftable = (uint64_t)e->functions;
    e->object.data.what = (const char *)(e + 1);
    describe(e, 0, name);
    describe(e, 1, "exception");
    e->array.count = 2;
    e->info.catchable_array = reference(&e->array);
    uint64_t arguments[CXX_PARAMETERS] = { CXX_MAGIC, (uint64_t)&e->object, (uint64_t)&e->info, USER_BASE };
    crt_thread()->throwing++;
    RaiseException((ULONG)CXX_EXCEPTION, EXCEPTION_NONCONTINUABLE, CXX_PARAMETERS, arguments);
}

uint64_t cxx_exception_what(uint64_t object)
{
    return *(const uint64_t *)(object + 8);
}

/* The thrown object is not given back: a handler may have kept its address. */
uint64_t cxx_exception_destroy(uint64_t object, uint32_t flags)
{
    return object;
}

/* Nothing of ours belongs to a type_info of the program. */
void crt_type_info_destroy(uint64_t object)
{
}

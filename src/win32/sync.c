/* CreateEvent and its kin: named and unnamed objects on the Nt calls. Names live in \BaseNamedObjects; the prefixes Global\
 * and Local\ mean the same directory, because there is one session. */
#include "ex/objects.h"
#include "win32/wait.h"

struct object_locals {
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
    HANDLE handle;
    LARGE_INTEGER due;
    LONG previous;
    BOOLEAN was;
};
_Static_assert(sizeof(struct object_locals) <= 0x80, "frame locals");

/* A frame with object attributes for a name (NULL: unnamed). The name's NT path is a heap block in l->name.Buffer. */
struct named {
    struct w32_frame frame;
    struct object_locals *l;
    OBJECT_ATTRIBUTES *oa; /* NULL: no name and no attributes */
};

static bool has_prefix(const WCHAR *s, const char *prefix)
{
    for (; *prefix; s++, prefix++)
        if (w32_upper(*s) != (uint8_t)*prefix)
            return false;
    return true;
}

size_t w32_named_object(const WCHAR *name, size_t n, WCHAR *to)
{
    static const char directory[] = "\\BaseNamedObjects\\";
    size_t skip = has_prefix(name, "GLOBAL\\") ? 7 : has_prefix(name, "LOCAL\\") ? 6 : 0, at = 0;
    for (; directory[at]; at++)
        to[at] = (uint8_t)directory[at];
    for (size_t i = skip; i < n; i++)
        to[at++] = name[i];
    return at;
}

static bool named_begin(struct named *n, uint32_t frame, const WCHAR *name, const void *security, ULONG attributes)
{
    static const char directory[] = "\\BaseNamedObjects\\";
    uint32_t inherit = 0;
    if (security)
        memcpy(&inherit, (const uint8_t *)security + 16, 4);
    if (name && has_prefix(name, "GLOBAL\\"))
        name += 7;
    else if (name && has_prefix(name, "LOCAL\\"))
        name += 6;
    size_t length = name ? w32_wcslen(name) : 0;
    for (size_t i = 0; i < length; i++)
        if (name[i] == '\\') {
            w32_error(ERROR_PATH_NOT_FOUND);
            return false;
        }
    WCHAR *path = length ? (WCHAR *)w32_alloc((sizeof directory + length) * 2) : NULL;
    n->frame = w32_frame_push(frame);
    n->l = (struct object_locals *)n->frame.locals;
    n->oa = length || inherit ? &n->l->oa : NULL;
    n->l->oa = (OBJECT_ATTRIBUTES) { .Length = sizeof n->l->oa, .Attributes = attributes | (inherit ? OBJ_INHERIT : 0) };
    if (path) {
        for (size_t i = 0; i < sizeof directory - 1; i++)
            path[i] = (uint8_t)directory[i];
        memcpy(path + sizeof directory - 1, name, length * 2);
        USHORT bytes = (USHORT)((sizeof directory - 1 + length) * 2);
        n->l->name = (UNICODE_STRING) { bytes, bytes, path };
        n->l->oa.ObjectName = &n->l->name;
    }
    return true;
}

/* The handle, with the last error as Create documents it: ERROR_ALREADY_EXISTS or 0. */
static HANDLE named_end(struct named *n, NTSTATUS status, bool create)
{
    HANDLE handle = n->l->handle;
    uint64_t path = (uint64_t)n->l->name.Buffer;
    w32_frame_pop(&n->frame);
    w32_free(path);
    if (!NT_SUCCESS(status)) {
        /* DOC: a name that belongs to another type of object. */
        w32_fail(status);
        if (status == STATUS_OBJECT_TYPE_MISMATCH)
            w32_set_error(ERROR_INVALID_HANDLE);
        return NULL;
    }
    if (create)
        w32_set_error(status == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS : 0);
    return handle;
}

/* The A forms: a wide copy of the name for the call of the W form. */
static WCHAR *wide_name(const char *name)
{
    return name ? (WCHAR *)w32_widen(name) : NULL;
}

static HANDLE wide_done(WCHAR *name, HANDLE handle)
{
    w32_free((uint64_t)name);
    return handle;
}

enum { CREATE_FLAG_MANUAL = 1, CREATE_FLAG_INITIAL_SET = 2, MUTEX_FLAG_OWNER = 1, TIMER_FLAG_MANUAL = 1 };

/* ---- events ---- */

HANDLE CreateEventExW(void *security, const WCHAR *name, ULONG flags, ULONG access)
{
    struct named n;
    if (flags & ~3u)
        return w32_error(ERROR_INVALID_PARAMETER), NULL;
    if (!named_begin(&n, FRAME_CreateEventExW, name, security, OBJ_OPENIF))
        return NULL;
    ULONG type = flags & CREATE_FLAG_MANUAL ? NotificationEvent : SynchronizationEvent;
    return named_end(&n, NtCreateEvent(&n.l->handle, access, n.oa, type, (flags & CREATE_FLAG_INITIAL_SET) != 0), true);
}

HANDLE CreateEventExA(void *security, const char *name, ULONG flags, ULONG access)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, CreateEventExW(security, w, flags, access));
}

HANDLE CreateEventW(void *security, BOOL manual, BOOL initial, const WCHAR *name)
{
    return CreateEventExW(security, name, (manual ? CREATE_FLAG_MANUAL : 0) | (initial ? CREATE_FLAG_INITIAL_SET : 0), EVENT_ALL_ACCESS);
}

HANDLE CreateEventA(void *security, BOOL manual, BOOL initial, const char *name)
{
    return CreateEventExA(security, name, (manual ? CREATE_FLAG_MANUAL : 0) | (initial ? CREATE_FLAG_INITIAL_SET : 0), EVENT_ALL_ACCESS);
}

/* Opening: a name is needed. */
static HANDLE open_named(uint32_t frame, NTSTATUS (*open)(HANDLE *, ULONG, OBJECT_ATTRIBUTES *), ULONG access, BOOL inherit, const WCHAR *name)
{
    struct named n;
    if (!name)
        return w32_error(ERROR_INVALID_PARAMETER), NULL;
    if (!named_begin(&n, frame, name, NULL, inherit ? OBJ_INHERIT : 0))
        return NULL;
    return named_end(&n, open(&n.l->handle, access, &n.l->oa), false);
}

HANDLE OpenEventW(ULONG access, BOOL inherit, const WCHAR *name)
{
    return open_named(FRAME_OpenEventW, NtOpenEvent, access, inherit, name);
}

HANDLE OpenEventA(ULONG access, BOOL inherit, const char *name)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, OpenEventW(access, inherit, w));
}

BOOL SetEvent(HANDLE event)
{
    return w32_result(NtSetEvent(event, NULL));
}

BOOL ResetEvent(HANDLE event)
{
    return w32_result(NtClearEvent(event));
}

BOOL PulseEvent(HANDLE event)
{
    return w32_result(NtPulseEvent(event, NULL));
}

/* ---- mutexes ---- */

HANDLE CreateMutexExW(void *security, const WCHAR *name, ULONG flags, ULONG access)
{
    struct named n;
    if (!named_begin(&n, FRAME_CreateMutexExW, name, security, OBJ_OPENIF))
        return NULL;
    return named_end(&n, NtCreateMutant(&n.l->handle, access, n.oa, (flags & MUTEX_FLAG_OWNER) != 0), true);
}

HANDLE CreateMutexExA(void *security, const char *name, ULONG flags, ULONG access)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, CreateMutexExW(security, w, flags, access));
}

HANDLE CreateMutexW(void *security, BOOL owner, const WCHAR *name)
{
    return CreateMutexExW(security, name, owner ? MUTEX_FLAG_OWNER : 0, MUTANT_ALL_ACCESS);
}

HANDLE CreateMutexA(void *security, BOOL owner, const char *name)
{
    return CreateMutexExA(security, name, owner ? MUTEX_FLAG_OWNER : 0, MUTANT_ALL_ACCESS);
}

HANDLE OpenMutexW(ULONG access, BOOL inherit, const WCHAR *name)
{
    return open_named(FRAME_OpenMutexW, NtOpenMutant, access, inherit, name);
}

HANDLE OpenMutexA(ULONG access, BOOL inherit, const char *name)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, OpenMutexW(access, inherit, w));
}

BOOL ReleaseMutex(HANDLE mutex)
{
    return w32_result(NtReleaseMutant(mutex, NULL));
}

/* ---- semaphores ---- */

HANDLE CreateSemaphoreExW(void *security, LONG count, LONG limit, const WCHAR *name, ULONG flags, ULONG access)
{
    struct named n;
    if (!named_begin(&n, FRAME_CreateSemaphoreExW, name, security, OBJ_OPENIF))
        return NULL;
    return named_end(&n, NtCreateSemaphore(&n.l->handle, access, n.oa, count, limit), true);
}

HANDLE CreateSemaphoreExA(void *security, LONG count, LONG limit, const char *name, ULONG flags, ULONG access)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, CreateSemaphoreExW(security, count, limit, w, flags, access));
}

HANDLE CreateSemaphoreW(void *security, LONG count, LONG limit, const WCHAR *name)
{
    return CreateSemaphoreExW(security, count, limit, name, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE CreateSemaphoreA(void *security, LONG count, LONG limit, const char *name)
{
    return CreateSemaphoreExA(security, count, limit, name, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE OpenSemaphoreW(ULONG access, BOOL inherit, const WCHAR *name)
{
    return open_named(FRAME_OpenSemaphoreW, NtOpenSemaphore, access, inherit, name);
}

HANDLE OpenSemaphoreA(ULONG access, BOOL inherit, const char *name)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, OpenSemaphoreW(access, inherit, w));
}

BOOL ReleaseSemaphore(HANDLE semaphore, LONG count, LONG *previous)
{
    return w32_result(NtReleaseSemaphore(semaphore, count, previous));
}

/* ---- waitable timers ---- */

HANDLE CreateWaitableTimerExW(void *security, const WCHAR *name, ULONG flags, ULONG access)
{
    struct named n;
    if (flags & ~3u) /* 2: high resolution */
        return w32_error(ERROR_INVALID_PARAMETER), NULL;
    if (!named_begin(&n, FRAME_CreateWaitableTimerExW, name, security, OBJ_OPENIF))
        return NULL;
    return named_end(&n, NtCreateTimer(&n.l->handle, access, n.oa, flags & TIMER_FLAG_MANUAL ? NotificationTimer : SynchronizationTimer), true);
}

HANDLE CreateWaitableTimerExA(void *security, const char *name, ULONG flags, ULONG access)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, CreateWaitableTimerExW(security, w, flags, access));
}

HANDLE CreateWaitableTimerW(void *security, BOOL manual, const WCHAR *name)
{
    return CreateWaitableTimerExW(security, name, manual ? TIMER_FLAG_MANUAL : 0, TIMER_ALL_ACCESS);
}

HANDLE CreateWaitableTimerA(void *security, BOOL manual, const char *name)
{
    return CreateWaitableTimerExA(security, name, manual ? TIMER_FLAG_MANUAL : 0, TIMER_ALL_ACCESS);
}

HANDLE OpenWaitableTimerW(ULONG access, BOOL inherit, const WCHAR *name)
{
    return open_named(FRAME_OpenWaitableTimerW, NtOpenTimer, access, inherit, name);
}

HANDLE OpenWaitableTimerA(ULONG access, BOOL inherit, const char *name)
{
    WCHAR *w = wide_name(name);
    return wide_done(w, OpenWaitableTimerW(access, inherit, w));
}

BOOL SetWaitableTimer(HANDLE timer, LARGE_INTEGER *due, LONG period, void *routine, void *context, BOOL resume)
{
    NTSTATUS s = NtSetTimer(timer, due, routine, context, resume ? TRUE : FALSE, period, NULL);
    if (s == STATUS_TIMER_RESUME_IGNORED)
        return w32_set_error(ERROR_NOT_SUPPORTED), TRUE; /* DOC: succeeds and says so */
    return w32_result(s);
}

BOOL SetWaitableTimerEx(HANDLE timer, LARGE_INTEGER *due, LONG period, void *routine, void *context, void *wake, ULONG delay)
{
    return w32_result(NtSetTimer(timer, due, routine, context, FALSE, period, NULL));
}

BOOL CancelWaitableTimer(HANDLE timer)
{
    return w32_result(NtCancelTimer(timer, NULL));
}

/* ---- two at once ---- */

/* GUESS: signalling and waiting are two steps here; between them others may run, as documented for SignalObjectAndWait. */
ULONG SignalObjectAndWait(HANDLE signal, HANDLE wait, ULONG milliseconds, BOOL alertable)
{
    NTSTATUS s = NtSetEvent(signal, NULL);
    if (s == STATUS_OBJECT_TYPE_MISMATCH)
        s = NtReleaseMutant(signal, NULL);
    if (s == STATUS_OBJECT_TYPE_MISMATCH)
        s = NtReleaseSemaphore(signal, 1, NULL);
    if (!NT_SUCCESS(s)) {
        w32_fail(s);
        return 0xFFFFFFFF;
    }
    return WaitForSingleObjectEx(wait, milliseconds, alertable);
}

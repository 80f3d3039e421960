/* Notify routines of drivers: processes and threads that begin and end, images that are mapped.
 *
 * A routine is called at PASSIVE_LEVEL by the thread that does the thing: the creator of a process or thread, the thread that
 * ends, the thread that maps. The first process of a run has no creator here: its own first thread tells. Removal waits until
 * no thread is inside the routine (DOC: that is what makes it safe to unload after it).
 *
 * PsSetCreateProcessNotifyRoutineEx needs an image linked with /INTEGRITYCHECK on Windows; that is not asked for here. */
#include "ps/notify.h"

#include <stdio.h>
#include <string.h>

#include "ex/ex.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ps/process.h"
#include "rtl/nls.h"
#include "sim/access.h"
#include "sim/door.h"
#include "sim/image.h"

/* DOC: 64 routines of each kind. */
enum { MAX_ROUTINES = 64, PATH_CHARS = 260, NOTIFY_TAG = 0x4E737350 /* 'PssN' */ };

enum kind { ON_PROCESS, ON_THREAD, ON_IMAGE, KINDS };

/* What a routine was registered with: the parameters that it is called with. */
enum shape { SHAPE_PLAIN, SHAPE_EX };

struct routine {
    PVOID function; /* NULL: free */
    enum shape shape;
    EX_RUNDOWN_REF inside;
};

struct ps_notify {
    struct routine routines[KINDS][MAX_ROUTINES];
    unsigned count[KINDS];
};

typedef struct PS_CREATE_NOTIFY_INFO {
    SIZE_T Size;
    ULONG Flags; /* bit 0: FileOpenNameAvailable */
    HANDLE ParentProcessId;
    CLIENT_ID CreatingThreadId;
    PVOID FileObject;
    const UNICODE_STRING *ImageFileName, *CommandLine;
    NTSTATUS CreationStatus;
} PS_CREATE_NOTIFY_INFO;
_Static_assert(sizeof(PS_CREATE_NOTIFY_INFO) == 0x48, "PS_CREATE_NOTIFY_INFO");

typedef struct IMAGE_INFO {
    ULONG Properties; /* bits 0-7: addressing mode (3), bit 8: SystemModeImage */
    PVOID ImageBase;
    ULONG ImageSelector;
    SIZE_T ImageSize;
    ULONG ImageSectionNumber;
} IMAGE_INFO;
_Static_assert(sizeof(IMAGE_INFO) == 0x28, "IMAGE_INFO");

enum { ADDRESSING_MODE_32BIT = 3, SYSTEM_MODE_IMAGE = 0x100 };

static struct ps_notify *room(void)
{
    if (!ps_room()->notify) {
        ps_room()->notify = sim_alloc(sizeof(struct ps_notify));
        sim_name(ps_room()->notify, sizeof(struct ps_notify), SIM_ACCESS_OF(SIM_ROOM, (uint64_t)ROOM_PS << 32));
    }
    return ps_room()->notify;
}

/* Who is registered for a kind. */
static void touch(enum kind kind, unsigned how)
{
    sim_access((uint64_t)&ps_room()->notify + kind, how);
}

/* ---- registration ---- */

static struct routine *find(enum kind kind, PVOID function, enum shape shape)
{
    for (unsigned i = 0; i < MAX_ROUTINES; i++) {
        struct routine *r = &room()->routines[kind][i];
        if (r->function == function && (!function || r->shape == shape))
            return r;
    }
    return NULL;
}

static NTSTATUS add(enum kind kind, PVOID function, enum shape shape, NTSTATUS refused)
{
    touch(kind, SIM_WRITE);
    if (kind == ON_PROCESS && find(kind, function, shape)) /* DOC; the others may be registered twice */
        return STATUS_INVALID_PARAMETER;
    struct routine *r = find(kind, NULL, shape);
    if (!r)
        return refused;
    r->function = function;
    r->shape = shape;
    ExInitializeRundownProtection(&r->inside);
    room()->count[kind]++;
    return STATUS_SUCCESS;
}

static NTSTATUS remove_routine(enum kind kind, PVOID function, enum shape shape, NTSTATUS absent)
{
    touch(kind, SIM_WRITE);
    struct routine *r = function ? find(kind, function, shape) : NULL;
    if (!r || (r->inside.Count & 1))
        return absent;
    ExWaitForRundownProtectionRelease(&r->inside);
    touch(kind, SIM_WRITE);
    r->function = NULL;
    room()->count[kind]--;
    return STATUS_SUCCESS;
}

static NTSTATUS process_routine(PVOID function, BOOLEAN remove, enum shape shape)
{
    return remove ? remove_routine(ON_PROCESS, function, shape, STATUS_PROCEDURE_NOT_FOUND)
                  : add(ON_PROCESS, function, shape, STATUS_INVALID_PARAMETER);
}

NTSTATUS PsSetCreateProcessNotifyRoutine(PVOID function, BOOLEAN remove)
{
    return process_routine(function, remove, SHAPE_PLAIN);
}

NTSTATUS PsSetCreateProcessNotifyRoutineEx(PVOID function, BOOLEAN remove)
{
    return process_routine(function, remove, SHAPE_EX);
}

NTSTATUS PsSetCreateProcessNotifyRoutineEx2(ULONG type, PVOID function, BOOLEAN remove)
{
    /* PsCreateProcessNotifySubsystems is 0, and the only one. */
    return type ? STATUS_INVALID_PARAMETER : process_routine(function, remove, SHAPE_EX);
}

NTSTATUS PsSetCreateThreadNotifyRoutine(PVOID function)
{
    return add(ON_THREAD, function, SHAPE_PLAIN, STATUS_INSUFFICIENT_RESOURCES);
}

NTSTATUS PsSetCreateThreadNotifyRoutineEx(ULONG type, PVOID function)
{
    enum { NON_SYSTEM = 0, SUBSYSTEMS = 1 };
    if (type > SUBSYSTEMS)
        return STATUS_INVALID_PARAMETER;
    return add(ON_THREAD, function, type == NON_SYSTEM ? SHAPE_EX : SHAPE_PLAIN, STATUS_INSUFFICIENT_RESOURCES);
}

NTSTATUS PsRemoveCreateThreadNotifyRoutine(PVOID function)
{
    NTSTATUS status = remove_routine(ON_THREAD, function, SHAPE_PLAIN, STATUS_PROCEDURE_NOT_FOUND);
    return NT_SUCCESS(status) ? status : remove_routine(ON_THREAD, function, SHAPE_EX, STATUS_PROCEDURE_NOT_FOUND);
}

NTSTATUS PsSetLoadImageNotifyRoutine(PVOID function)
{
    return add(ON_IMAGE, function, SHAPE_PLAIN, STATUS_INSUFFICIENT_RESOURCES);
}

NTSTATUS PsSetLoadImageNotifyRoutineEx(PVOID function, ULONG_PTR flags)
{
    /* PS_IMAGE_NOTIFY_CONFLICTING_ARCHITECTURE: images of another architecture too, which there are none of. */
    return flags & ~1ull ? STATUS_INVALID_PARAMETER : add(ON_IMAGE, function, SHAPE_PLAIN, STATUS_INSUFFICIENT_RESOURCES);
}

NTSTATUS PsRemoveLoadImageNotifyRoutine(PVOID function)
{
    return remove_routine(ON_IMAGE, function, SHAPE_PLAIN, STATUS_PROCEDURE_NOT_FOUND);
}

bool ps_notify_left_in(uint64_t base, uint64_t size, uint64_t *routine)
{
    struct ps_notify *n = ps_room()->notify;
    for (unsigned i = 0; n && i < KINDS * MAX_ROUTINES; i++) {
        *routine = (uint64_t)n->routines[i / MAX_ROUTINES][i % MAX_ROUTINES].function;
        if (*routine && *routine - base < size)
            return true;
    }
    return false;
}

/* ---- telling ---- */

/* The next routine of a kind from *i on, held against removal; NULL: no more. */
static struct routine *hold_next(enum kind kind, unsigned *i)
{
    touch(kind, SIM_READ);
    while (*i < MAX_ROUTINES) {
        struct routine *r = &room()->routines[kind][(*i)++];
        if (r->function && ExAcquireRundownProtection(&r->inside))
            return r;
    }
    return NULL;
}

/* Whether there is anybody to tell, and a thread to tell it. */
static bool can_tell(enum kind kind)
{
    struct agent *a = MACHINE->fiber;
    touch(kind, SIM_READ);
    return a && a->kind == AGENT_THREAD && ps_room()->notify && room()->count[kind];
}

static UNICODE_STRING wide(const char *text, WCHAR *room_chars)
{
    ULONG bytes = 0;
    RtlUTF8ToUnicodeN(room_chars, PATH_CHARS * 2, &bytes, text, (ULONG)strlen(text));
    return (UNICODE_STRING) { (USHORT)bytes, (USHORT)bytes, room_chars };
}

/* What a callee gets by address. */
struct told {
    PS_CREATE_NOTIFY_INFO info;
    IMAGE_INFO image;
    UNICODE_STRING name;
    WCHAR name_chars[PATH_CHARS];
};

static struct told *told_make(void)
{
    struct told *t = ex_pool_alloc(PagedPool, sizeof *t, NOTIFY_TAG);
    memset(t, 0, sizeof *t);
    return t;
}

NTSTATUS ps_notify_process_begin(struct process *p, struct process *parent, const UNICODE_STRING *command_line)
{
    if (p->told || p == ps_system())
        return STATUS_SUCCESS;
    p->told = true;
    if (!can_tell(ON_PROCESS))
        return STATUS_SUCCESS;
    struct told *t = told_make();
    char path[PATH_CHARS];
    snprintf(path, sizeof path, "\\??\\C:\\irplab\\%s", p->name);
    UNICODE_STRING *line = NULL; /* a copy: the caller's may lie in user memory, or where no guest can look */
    if (command_line) {
        line = ex_pool_alloc(PagedPool, sizeof *line + command_line->Length + 2u, NOTIFY_TAG);
        *line = (UNICODE_STRING) { command_line->Length, (USHORT)(command_line->Length + 2), (WCHAR *)(line + 1) };
        memcpy(line->Buffer, command_line->Buffer, command_line->Length);
        line->Buffer[line->Length / 2] = 0;
    }
    t->name = wide(path, t->name_chars);
    t->info = (PS_CREATE_NOTIFY_INFO) {
        .Size = sizeof t->info,
        .Flags = 1,
        .ParentProcessId = (HANDLE)(uint64_t)parent->id,
        .CreatingThreadId = ps_current()->ethread->Cid,
        .ImageFileName = &t->name,
        .CommandLine = line,
    };
    unsigned i = 0;
    for (struct routine *r; (r = hold_next(ON_PROCESS, &i));) {
        if (r->shape == SHAPE_EX)
            guest_call(FRAME_PspCallProcessNotifyRoutines, r->function, 3, (uint64_t)p->eprocess, (uint64_t)p->id, (uint64_t)&t->info);
        else
            guest_call(FRAME_PspCallProcessNotifyRoutines, r->function, 3, (uint64_t)parent->id, (uint64_t)p->id, (uint64_t)TRUE);
        ExReleaseRundownProtection(&r->inside);
        if (!NT_SUCCESS(t->info.CreationStatus))
            break;
    }
    NTSTATUS status = t->info.CreationStatus;
    ex_pool_free(t);
    if (line)
        ex_pool_free(line);
    return status;
}

void ps_notify_process_end(struct process *p)
{
    if (!p->told || !can_tell(ON_PROCESS))
        return;
    unsigned i = 0;
    for (struct routine *r; (r = hold_next(ON_PROCESS, &i));) {
        if (r->shape == SHAPE_EX)
            guest_call(FRAME_PspCallProcessNotifyRoutines, r->function, 3, (uint64_t)p->eprocess, (uint64_t)p->id, 0ull);
        else
            guest_call(FRAME_PspCallProcessNotifyRoutines, r->function, 3, (uint64_t)ps_system()->id, (uint64_t)p->id, (uint64_t)FALSE);
        ExReleaseRundownProtection(&r->inside);
    }
}

void ps_notify_thread(struct thread *t, bool begins)
{
    struct process *p = t->process;
    if (!MACHINE->fiber || t->host_start || t->told == begins || (p != ps_system() && !p->told))
        return;
    t->told = begins;
    if (!can_tell(ON_THREAD))
        return;
    unsigned i = 0;
    for (struct routine *r; (r = hold_next(ON_THREAD, &i));) {
        if (r->shape == SHAPE_PLAIN || p != ps_system()) /* DOC: PsCreateThreadNotifyNonSystem */
            guest_call(FRAME_PspCallThreadNotifyRoutines, r->function, 3, (uint64_t)t->ethread->Cid.UniqueProcess, (uint64_t)t->ethread->Cid.UniqueThread,
                       (uint64_t)begins);
        ExReleaseRundownProtection(&r->inside);
    }
}

void ps_notify_image(const struct image *image, struct process *p)
{
    if (!image || !can_tell(ON_IMAGE))
        return;
    bool system = p == ps_system();
    struct told *t = told_make();
    char path[PATH_CHARS];
    snprintf(path, sizeof path, "%s\\%s",
             system            ? "\\SystemRoot\\System32\\drivers"
             : image->synthetic ? "\\Device\\HarddiskVolume1\\Windows\\System32"
                                : "\\Device\\HarddiskVolume1",
             image->name);
    t->name = wide(path, t->name_chars);
    t->image.Properties = ADDRESSING_MODE_32BIT | (system ? SYSTEM_MODE_IMAGE : 0);
    t->image.ImageBase = (PVOID)image->base;
    t->image.ImageSize = image->size;
    unsigned i = 0;
    for (struct routine *r; (r = hold_next(ON_IMAGE, &i));) {
        guest_call(FRAME_PsCallImageNotifyRoutines, r->function, 3, (uint64_t)&t->name, system ? 0ull : (uint64_t)p->id, (uint64_t)&t->image);
        ExReleaseRundownProtection(&r->inside);
    }
    ex_pool_free(t);
}

void ps_notify_program_begin(struct thread *t)
{
    static const char *const modules[] = { "ntdll.dll", "kernel32.dll", "KernelBase.dll" };
    struct process *p = t->process;
    if (p->main_thread != t || p->begun)
        return;
    p->begun = true;
    touch(ON_PROCESS, SIM_READ);
    touch(ON_THREAD, SIM_READ);
    touch(ON_IMAGE, SIM_READ);
    if (!ps_room()->notify) {
        p->told = t->told = true;
        return;
    }
    struct syscall s;
    ps_syscall_enter(&s, FRAME_PspUserThreadStartup);
    if (!p->told)
        ps_notify_process_begin(p, ps_system(), (const UNICODE_STRING *)(*(uint64_t *)(p->peb + 0x20) + 0x70));
    ps_notify_thread(t, true);
    ps_notify_image(p->image, p);
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        ps_notify_image(image_find(modules[i]), p);
    ps_syscall_leave(&s);
}

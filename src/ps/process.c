/* Processes: the System process and programs. A program's image, PEB, parameters, stacks and heaps lie in its slice. */
#include "ps/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/modules.h"
#include "rtl/nls.h"
#include "sim/access.h"
#include "sim/door.h"
#include "sim/spins.h"
#include "trace/trace.h"

struct ps_room *ps_room(void)
{
    return MACHINE->rooms[ROOM_PS];
}

struct process *ps_system(void)
{
    return ps_room() ? ps_room()->system : NULL;
}

struct process *ps_processes(void)
{
    return ps_room()->processes;
}

struct process *ps_process_of(const void *eprocess)
{
    for (struct process *p = ps_room()->processes; p; p = p->next)
        if (p->eprocess == eprocess)
            return p;
    return NULL;
}

static struct process *create(const char *name)
{
    struct ps_room *r = ps_room();
    struct process *p = sim_alloc(sizeof *p);
    p->id = r->next_id += 4;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->eprocess = ob_create(OB_PROCESS, sizeof(EPROCESS));
    EPROCESS *e = p->eprocess;
    e->Pcb.Header.Type = ProcessObject;
    e->Pcb.Header.WaitListHead.Flink = e->Pcb.Header.WaitListHead.Blink = &e->Pcb.Header.WaitListHead;
    e->UniqueProcessId = (HANDLE)(uint64_t)p->id;
    e->ExitStatus = STATUS_PENDING;
    e->CreateTime.QuadPart = (LONGLONG)ke_system_time();
    memcpy(e->ImageFileName, p->name, strnlen(p->name, sizeof e->ImageFileName - 1));
    struct process **at = &r->processes;
    while (*at)
        at = &(*at)->next;
    *at = p;
    return p;
}

void ps_init(void)
{
    static const struct ob_type thread = { "Thread", NULL, NULL, 0 }, process = { "Process", NULL, NULL, 0 };
    ob_type_register(OB_THREAD, &thread);
    ob_type_register(OB_PROCESS, &process);
    struct ps_room *r = sim_alloc(sizeof *r);
    MACHINE->rooms[ROOM_PS] = r;
    r->system = create("System");
}

/* The command line is UTF-8 on this side. */
static uint64_t wide_copy(struct process *p, const char *text, uint16_t *bytes)
{
    size_t n = strlen(text);
    ULONG made = 0;
    uint64_t at = mm_user_alloc(p, (n + 1) * 2, PROT_READ | PROT_WRITE);
    RtlUTF8ToUnicodeN((WCHAR *)at, (ULONG)(n * 2), &made, text, (ULONG)n);
    *bytes = (uint16_t)made;
    return at;
}

static void put_unicode(uint64_t at, struct process *p, const char *text)
{
    UNICODE_STRING *s = (UNICODE_STRING *)at;
    s->Buffer = (WCHAR *)wide_copy(p, text, &s->Length);
    s->MaximumLength = (USHORT)(s->Length + 2);
}

/* PEB and RTL_USER_PROCESS_PARAMETERS: the fields that programs and run-times read. */
static void peb_make(struct process *p, const char *path, const char *command_line)
{
    p->peb = mm_user_alloc(p, 0x1000, PROT_READ | PROT_WRITE);
    uint64_t params = mm_user_alloc(p, 0x1000, PROT_READ | PROT_WRITE);
    *(uint64_t *)(p->peb + 0x10) = p->image->base;
    *(uint64_t *)(p->peb + 0x20) = params;
    *(uint32_t *)(p->peb + 0xB8) = MACHINE->processor_count;
    *(uint32_t *)(p->peb + 0x118) = 10; /* OSMajorVersion */
    *(uint16_t *)(p->peb + 0x120) = 19045;
    put_unicode(params + 0x60, p, path);
    put_unicode(params + 0x70, p, command_line);
    static const WCHAR environment[] = { 'S', 'y', 's', 't', 'e', 'm', 'R', 'o', 'o', 't', '=', 'C', ':', '\\', 'W', 'i', 'n', 'd', 'o', 'w', 's', 0, 0 };
    uint64_t env = mm_user_alloc(p, sizeof environment, PROT_READ | PROT_WRITE);
    memcpy((void *)env, environment, sizeof environment);
    *(uint64_t *)(params + 0x80) = env;
    p->eprocess->Peb = (PVOID)p->peb;
    p->eprocess->SectionBaseAddress = (PVOID)p->image->base;
}

struct process *ps_create_program(struct image_file *file, const char *command_line, char *err, size_t errlen)
{
    struct ps_room *r = ps_room();
    if (r->slices_used == USER_SLICES) {
        snprintf(err, errlen, "%s: more than %d processes", file->path, USER_SLICES);
        return NULL;
    }
    struct process *p = create(file->name);
    p->slice = USER_BASE + (uint64_t)r->slices_used++ * USER_SLICE;
    p->is_program = true;
    if (!ps_modules_create(p, file, err, errlen))
        return NULL;
    if (!p->image->entry) {
        snprintf(err, errlen, "%s: has no entry point", file->path);
        return NULL;
    }
    peb_make(p, file->name, command_line);
    struct thread *t;
    if (!NT_SUCCESS(ps_create_user_thread(p, (void *)p->image->entry, (void *)p->peb, file->pe.stack_reserve, true, &t))) {
        snprintf(err, errlen, "%s: no room for a stack of 0x%llx bytes", file->path, (unsigned long long)file->pe.stack_reserve);
        return NULL;
    }
    p->main_thread = t;
    trace_event(TRACE_PROCESS_CREATE, (uint64_t)p->eprocess, p->id, 0, 0);
    return p;
}

/* ---- end ---- */

void ps_process_rundown(struct process *p, NTSTATUS status)
{
    p->exit_status = status;
    p->eprocess->ExitStatus = status;
    ob_handles_close_all(p);
    if (p->locked_mdls) /* DOC: a driver did not call MmUnlockPages, or the I/O manager could not */
        KeBugCheckEx(PROCESS_HAS_LOCKED_PAGES, 0, (uint64_t)p->eprocess, p->locked_mdls, 0);
    p->exited = true;
    trace_event(TRACE_PROCESS_EXIT, (uint64_t)p->eprocess, (uint64_t)(uint32_t)status, 0, 0);
    ke_object_signal(&p->eprocess->Pcb.Header);
}

static bool is_alone(const struct agent *a, const void *process)
{
    return ((const struct process *)process)->threads == 1;
}

/* The caller ends last. DOC: ExitProcess: all other threads terminate first, then the DLLs are told, then the caller ends. Where one cannot
 * end, and so nobody can go on, the caller does. */
static void terminate_others(NTSTATUS status)
{
    struct thread *me = MACHINE->fiber->thread;
    struct process *p = me->process;
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtTerminateProcess); /* until it is back in user mode, nobody ends it */
    sim_access((uint64_t)me->ethread, SIM_READ);
    if (me->terminating) /* somebody else was first, and waits for this one */
        ps_exit_thread(me->ethread->ExitStatus);
    sim_access(SIM_ACCESS_OF(SIM_THREADS, p->eprocess), SIM_WRITE);
    if (!p->exit_status_set) {
        p->exit_status_set = true;
        p->exit_status = status;
    }
    for (struct thread *t = ps_threads(), *next; t; t = next) {
        next = t->next;
        if (t->process == p && t != me)
            ps_terminate_thread(t, status);
    }
    if (p->threads > 1) {
        sim_point_when(SIM_ACCESS_OF(SIM_THREADS, p->eprocess), is_alone, p);
        sim_access(SIM_ACCESS_OF(SIM_THREADS, p->eprocess), SIM_WRITE);
    }
    ps_syscall_leave(&sc);
}

_Noreturn void ps_exit_process(NTSTATUS status)
{
    terminate_others(status);
    ps_exit_thread(status);
}

_Noreturn void ps_user_exit_process(NTSTATUS status)
{
    terminate_others(status);
    if (ps_user_end_hook)
        ps_user_end_hook();
    ps_modules_process_end(ps_current());
    ps_exit_thread(status);
}

/* Whether somebody is the last depends on all who ended before, and what an end touches must not, or an order would be taken for another one. So ends say that they
 * only look, until a process is seen to end by them. */
bool ps_ends_last(const struct thread *t, uint32_t left)
{
    struct process *p = t->process;
    bool last = p->threads == left;
    if (last && p->had_threads > 1 && !p->exit_status_set && sim_access_wanted())
        spins_note_ends();
    sim_access(SIM_ACCESS_OF(SIM_THREADS, p->eprocess), last || (p != ps_system() && spins_ends_matter()) ? SIM_WRITE : SIM_READ);
    return last;
}

_Noreturn void ps_user_exit_thread(NTSTATUS status)
{
    struct thread *t = ps_current();
    sim_point((uint64_t)t->ethread);
    if (ps_ends_last(t, 1))
        ps_user_exit_process(status);
    sim_quiet_begin();
    if (ps_user_end_hook)
        ps_user_end_hook();
    ps_modules_thread_end(t);
    sim_quiet_end();
    ps_exit_thread(status);
}

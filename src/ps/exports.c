/* Ps exports. */
#include <string.h>

#include "ke/exports.h"
#include "ke/ke.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/process.h"
#include "sim/door.h"

static NTSTATUS create_system_thread(PVOID keeps, HANDLE *handle, ULONG access, const OBJECT_ATTRIBUTES *oa, CLIENT_ID *cid, PVOID start, PVOID context)
{
    struct thread *t = ps_create_system_thread(start, context, NULL);
    t->keeps = keeps;
    if (cid)
        *cid = t->ethread->Cid;
    struct process *owner = (oa && (oa->Attributes & OBJ_KERNEL_HANDLE)) ? ps_system() : ps_current_process();
    return ob_handle_create(owner, t->ethread, access ? access : 0x1FFFFF, 0, handle);
}

NTSTATUS PsCreateSystemThread(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, HANDLE process, PVOID client_id, PVOID start, PVOID context)
{
    return create_system_thread(NULL, handle, access, oa, client_id, start, context);
}

/* DOC: the driver or device object stays until the thread has ended, and so does the driver's code. */
NTSTATUS IoCreateSystemThread(PVOID object, HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, HANDLE process, PVOID client_id, PVOID start, PVOID context)
{
    ob_reference(object);
    return create_system_thread(object, handle, access, oa, client_id, start, context);
}

_Noreturn void PsTerminateSystemThread(NTSTATUS status)
{
    ps_exit_thread(status);
}

PVOID PsGetCurrentThread(void)
{
    struct thread *t = ps_current();
    return t ? t->ethread : NULL;
}

HANDLE PsGetCurrentProcessId(void)
{
    return (HANDLE)(uint64_t)ps_current_process()->id;
}

HANDLE PsGetCurrentThreadId(void)
{
    return ps_current()->ethread->Cid.UniqueThread;
}

HANDLE PsGetProcessId(const EPROCESS *p)
{
    return p->UniqueProcessId;
}

HANDLE PsGetThreadId(const ETHREAD *t)
{
    return t->Cid.UniqueThread;
}

HANDLE PsGetThreadProcessId(const ETHREAD *t)
{
    return t->Cid.UniqueProcess;
}

PVOID PsGetThreadProcess(const ETHREAD *t)
{
    return t->ThreadsProcess;
}

NTSTATUS PsGetThreadExitStatus(const ETHREAD *t)
{
    return t->ExitStatus;
}

NTSTATUS PsGetProcessExitStatus(const EPROCESS *p)
{
    return p->ExitStatus;
}

LONGLONG PsGetProcessCreateTimeQuadPart(const EPROCESS *p)
{
    return p->CreateTime.QuadPart;
}

CHAR *PsGetProcessImageFileName(EPROCESS *p)
{
    return p->ImageFileName;
}

ULONG PsIsSystemThread(const ETHREAD *t)
{
    return t->ThreadsProcess == ps_system()->eprocess;
}

ULONG PsIsThreadTerminating(const ETHREAD *e)
{
    const struct thread *t = ps_thread_living(e);
    return !t || t->terminating || t->exiting;
}

NTSTATUS PsLookupProcessByProcessId(HANDLE id, PVOID *out)
{
    ps_looked_for();
    for (struct process *p = ps_processes(); p; p = p->next)
        if ((HANDLE)(uint64_t)p->id == id && !p->exited) {
            ob_reference(p->eprocess);
            *out = p->eprocess;
            return STATUS_SUCCESS;
        }
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS PsLookupThreadByThreadId(HANDLE id, PVOID *out)
{
    ps_looked_for();
    for (struct thread *t = ps_threads(); t; t = t->next)
        if (t->ethread && t->ethread->Cid.UniqueThread == id) {
            ob_reference(t->ethread);
            *out = t->ethread;
            return STATUS_SUCCESS;
        }
    return STATUS_INVALID_PARAMETER;
}

ULONG PsGetCurrentThreadPreviousMode(void)
{
    struct thread *t = ps_current();
    return t ? t->previous_mode : KernelMode;
}

PVOID PsGetCurrentThreadStackBase(void)
{
    return ps_current()->ethread->Tcb.StackBase;
}

PVOID PsGetCurrentThreadStackLimit(void)
{
    return (PVOID)ps_current()->ethread->Tcb.StackLimit;
}

PVOID PsGetCurrentThreadTeb(void)
{
    return (PVOID)ps_current()->teb;
}

PVOID PsGetProcessPeb(const EPROCESS *p)
{
    return p->Peb;
}

/* The process that the thread belongs to, whatever it is attached to. */
PVOID PsGetCurrentThreadProcess(void)
{
    return ps_current()->process->eprocess;
}

HANDLE PsGetCurrentThreadProcessId(void)
{
    return (HANDLE)(uint64_t)ps_current()->process->id;
}

BOOLEAN PsIsSystemProcess(const EPROCESS *p)
{
    return p == ps_system()->eprocess;
}

/* There is one session. GUESS: -1 for a process without one, as the system process. */
ULONG PsGetProcessSessionIdEx(const EPROCESS *p)
{
    return p == ps_system()->eprocess ? UINT32_MAX : 0;
}

/* DOC: NtYieldExecution: STATUS_NO_YIELD_PERFORMED if nobody else was ready to run; irplab cannot know who would have. */
NTSTATUS ZwYieldExecution(void)
{
    ke_yield();
    return STATUS_SUCCESS;
}

/* DOC: THREADINFOCLASS: priority, base priority, affinity, and to hide the thread from debuggers, of which there are none. */
NTSTATUS ZwSetInformationThread(HANDLE handle, ULONG class, const void *information, ULONG length)
{
    enum { THREAD_PRIORITY = 2, THREAD_BASE_PRIORITY = 3, THREAD_AFFINITY_MASK = 4, THREAD_HIDE_FROM_DEBUGGER = 17 };
    static const UCHAR lengths[] = { [THREAD_PRIORITY] = 4, [THREAD_BASE_PRIORITY] = 4, [THREAD_AFFINITY_MASK] = 8, [THREAD_HIDE_FROM_DEBUGGER] = 0 };
    if (class != THREAD_PRIORITY && class != THREAD_BASE_PRIORITY && class != THREAD_AFFINITY_MASK && class != THREAD_HIDE_FROM_DEBUGGER)
        return STATUS_INVALID_INFO_CLASS;
    if (length != lengths[class])
        return STATUS_INFO_LENGTH_MISMATCH;
    LONG64 value = 0;
    memcpy(&value, information, length);
    if (class == THREAD_PRIORITY && ((LONG)value < 1 || (LONG)value > 31))
        return STATUS_INVALID_PARAMETER;
    if (class == THREAD_AFFINITY_MASK && !((uint64_t)value & sim_processors()))
        return STATUS_INVALID_PARAMETER;
    void *object;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_THREAD, 0, &object, NULL);
    if (!NT_SUCCESS(s))
        return s;
    if (class == THREAD_PRIORITY)
        KeSetPriorityThread(object, (LONG)value);
    if (class == THREAD_BASE_PRIORITY)
        KeSetBasePriorityThread(object, (LONG)value);
    ob_dereference(object);
    return STATUS_SUCCESS;
}

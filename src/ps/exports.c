/* Ps exports. */
#include <string.h>

#include "ke/ke.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/process.h"
#include "sim/door.h"

NTSTATUS PsCreateSystemThread(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, HANDLE process, PVOID client_id, PVOID start, PVOID context)
{
    struct thread *t = ps_create_system_thread(start, context, NULL);
    CLIENT_ID *cid = client_id;
    if (cid)
        *cid = t->ethread->Cid;
    struct process *owner = (oa && (oa->Attributes & OBJ_KERNEL_HANDLE)) ? ps_system() : ps_current_process();
    return ob_handle_create(owner, t->ethread, access ? access : 0x1FFFFF, 0, handle);
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
    const struct thread *t = ps_thread_of(e);
    return !t || t->terminating || t->exiting;
}

NTSTATUS PsLookupProcessByProcessId(HANDLE id, PVOID *out)
{
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

/* What drivers ask about other processes and threads beyond their ids. There are no sessions but 0, no debuggers, no protected
 * processes and no 32-bit ones. */
#include <stdbool.h>

#include "nt/status.h"
#include "ob/ob.h"
#include "ps/process.h"

BOOLEAN PsIsProtectedProcess(const EPROCESS *p)
{
    return FALSE;
}

BOOLEAN PsIsProtectedProcessLight(const EPROCESS *p)
{
    return FALSE;
}

BOOLEAN PsIsProcessBeingDebugged(const EPROCESS *p)
{
    return FALSE;
}

PVOID PsGetProcessDebugPort(const EPROCESS *p)
{
    return NULL;
}

PVOID PsGetProcessWow64Process(const EPROCESS *p)
{
    return NULL;
}

PVOID PsGetProcessSectionBaseAddress(const EPROCESS *p)
{
    return p->SectionBaseAddress;
}

ULONG PsGetCurrentProcessSessionId(void)
{
    return 0;
}

ULONG PsGetProcessSessionId(const EPROCESS *p)
{
    return 0;
}

/* All programs of a run are started by the System process. */
HANDLE PsGetProcessInheritedFromUniqueProcessId(const EPROCESS *p)
{
    return p == ps_system()->eprocess ? NULL : (HANDLE)(uint64_t)ps_system()->id;
}

static NTSTATUS open_object(HANDLE *handle, ULONG access, const OBJECT_ATTRIBUTES *oa, void *object)
{
    struct process *owner = oa && (oa->Attributes & OBJ_KERNEL_HANDLE) ? ps_system() : ps_current_process();
    return ob_handle_create(owner, object, access, oa ? oa->Attributes : 0, handle);
}

NTSTATUS ps_open_process(HANDLE *handle, ULONG access, const OBJECT_ATTRIBUTES *oa, const CLIENT_ID *id)
{
    if (!id)
        return STATUS_INVALID_PARAMETER_MIX;
    ps_looked_for();
    for (struct process *p = ps_processes(); p; p = p->next)
        if ((HANDLE)(uint64_t)p->id == id->UniqueProcess && !p->exited)
            return open_object(handle, access, oa, p->eprocess);
    return STATUS_INVALID_CID;
}

NTSTATUS ps_open_thread(HANDLE *handle, ULONG access, const OBJECT_ATTRIBUTES *oa, const CLIENT_ID *id)
{
    if (!id)
        return STATUS_INVALID_PARAMETER_MIX;
    ps_looked_for();
    for (struct thread *t = ps_threads(); t; t = t->next)
        if (t->ethread && t->ethread->Cid.UniqueThread == id->UniqueThread &&
            (!id->UniqueProcess || t->ethread->Cid.UniqueProcess == id->UniqueProcess))
            return open_object(handle, access, oa, t->ethread);
    return STATUS_INVALID_CID;
}

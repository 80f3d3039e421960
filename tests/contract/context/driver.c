/* In whose address space code runs: a user address means something in its own process only. The area's request (METHOD_NEITHER) is
 * pended and handed to a work item, which runs in the System process. */
#include "contract_driver.h"

NTKERNELAPI PVOID NTAPI PsGetCurrentThreadTeb(VOID);

typedef struct _JOB {
    PIRP Irp;
    PIO_WORKITEM Item;
    PVOID User; /* the program's buffer */
    PMDL Mdl;
    PEPROCESS Process;
    ULONG Direct, Attached, Mapped, Probed, Valid; /* statuses, or what was read */
    PCONTRACT t;
    KEVENT Done;
} JOB, *PJOB;

enum { READ_FAILED = 0x0BADBAD0 };

static ULONG Read(PVOID Address)
{
    ULONG value = READ_FAILED;

    __try {
        value = *(volatile ULONG *)Address;
    } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        value = READ_FAILED;
    }
    return value;
}

static NTSTATUS Probe(PVOID Address)
{
    PMDL mdl = IoAllocateMdl(Address, sizeof(ULONG), FALSE, FALSE, NULL);
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        MmProbeAndLockPages(mdl, UserMode, IoReadAccess);
        MmUnlockPages(mdl);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    IoFreeMdl(mdl);
    return status;
}

static IO_WORKITEM_ROUTINE Work;
static VOID Work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PJOB job = (PJOB)Context;
    KAPC_STATE state;

    UNREFERENCED_PARAMETER(DeviceObject);
    job->Direct = Read(job->User);
    job->Valid = MmIsAddressValid(job->User);
    job->Probed = (ULONG)Probe(job->User);
    job->Mapped = Read(MmGetSystemAddressForMdlSafe(job->Mdl, NormalPagePriority));
    KeStackAttachProcess((PVOID)job->Process, &state);
    job->Attached = Read(job->User);
    KeUnstackDetachProcess(&state);
    if (job->Direct == READ_FAILED)
        job->Direct = Read(job->User); /* again, after the attachment */
    KeSetEvent(&job->Done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS Other(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG answer[6];
    PVOID out = Irp->UserBuffer;
    JOB job;

    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_AREA(0, METHOD_NEITHER))
        return ContractDefault(Irp);
    RtlZeroMemory(&job, sizeof(job));
    job.User = stack->Parameters.DeviceIoControl.Type3InputBuffer;
    job.Process = IoGetRequestorProcess(Irp);
    job.Mdl = IoAllocateMdl(job.User, sizeof(ULONG), FALSE, FALSE, NULL);
    KeInitializeEvent(&job.Done, NotificationEvent, FALSE);
    answer[0] = Read(job.User);
    MmProbeAndLockPages(job.Mdl, UserMode, IoReadAccess);
    job.Item = IoAllocateWorkItem(DeviceObject);
    IoQueueWorkItem(job.Item, Work, DelayedWorkQueue, &job);
    KeWaitForSingleObject(&job.Done, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(job.Item);
    MmUnlockPages(job.Mdl);
    IoFreeMdl(job.Mdl);
    answer[1] = job.Direct;
    answer[2] = job.Attached;
    answer[3] = job.Mapped;
    answer[4] = job.Probed;
    answer[5] = job.Valid;
    RtlCopyMemory(out, answer, sizeof(answer));
    return ContractComplete(Irp, STATUS_SUCCESS, sizeof(answer));
}

/* Nothing is attached: the System process has no user memory of a program. */
static VOID Attaching(PCONTRACT t)
{
    KAPC_STATE state;

    CHECK(PsGetCurrentProcess() != PsInitialSystemProcess);
    KeStackAttachProcess((PVOID)PsInitialSystemProcess, &state);
    CHECK(PsGetCurrentProcess() == PsInitialSystemProcess);
    CHECK(!MmIsAddressValid(PsGetCurrentThreadTeb()));
    KeUnstackDetachProcess(&state);
    CHECK(PsGetCurrentProcess() != PsInitialSystemProcess);
    CHECK(MmIsAddressValid(PsGetCurrentThreadTeb()));
}

static const CONTRACT_TEST Tests[] = {
    { "attached to System", Attaching },
};

const CONTRACT_AREA ContractArea = { Tests, RTL_NUMBER_OF(Tests), NULL, NULL, Other };

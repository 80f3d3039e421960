/* System calls about threads and processes; the way back to user mode. */
#ifndef IRPLAB_PS_NT_THREAD_H
#define IRPLAB_PS_NT_THREAD_H

#include "nt/ob.h"
#include "ps/process.h"

NTSTATUS ps_thread_reference(HANDLE handle, ACCESS_MASK access, ETHREAD **out);
/* For ps_syscall_leave, still in the kernel. */
void ps_wait_while_suspended(struct thread *t);
bool ps_user_apc_pending(const struct thread *t);
void ps_run_user_apcs(struct thread *t, struct syscall *s);

NTSTATUS NtQueueApcThread(HANDLE thread, PVOID routine, PVOID context, PVOID arg1, PVOID arg2);
NTSTATUS NtTestAlert(void);
NTSTATUS NtAlertThread(HANDLE thread);
NTSTATUS NtSuspendThread(HANDLE thread, ULONG *previous);
NTSTATUS NtResumeThread(HANDLE thread, ULONG *previous);
NTSTATUS NtTerminateThread(HANDLE thread, NTSTATUS status);
NTSTATUS NtTerminateProcess(HANDLE process, NTSTATUS status);
NTSTATUS NtQueryInformationThread(HANDLE thread, ULONG class, PVOID information, ULONG length, ULONG *returned);
NTSTATUS NtQueryInformationProcess(HANDLE process, ULONG class, PVOID information, ULONG length, ULONG *returned);

#endif

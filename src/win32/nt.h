/* The kernel services that the user side calls. Until a room lands its part the declaration is weak here, so that the rest
 * links; a call of one that is still missing ends the run through w32_missing. */
#ifndef IRPLAB_WIN32_NT_H
#define IRPLAB_WIN32_NT_H

#include "ke/ke.h"
#include "nt/io.h"
#include "nt/ob.h"
#include "nt/types.h"
#include "ob/ob.h"
#include "ps/ps.h"

#define W32_PENDING __attribute__((weak))

W32_PENDING NTSTATUS NtCreateFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes,
                                  ULONG share, ULONG disposition, ULONG options, PVOID ea, ULONG ea_length);
W32_PENDING NTSTATUS NtClose(HANDLE handle);
W32_PENDING NTSTATUS NtDeviceIoControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in,
                                           ULONG in_length, PVOID out, ULONG out_length);
W32_PENDING NTSTATUS NtFsControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in, ULONG in_length,
                                     PVOID out, ULONG out_length);
W32_PENDING NTSTATUS NtReadFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length,
                                LARGE_INTEGER *offset, ULONG *key);
W32_PENDING NTSTATUS NtWriteFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length,
                                 LARGE_INTEGER *offset, ULONG *key);
W32_PENDING NTSTATUS NtFlushBuffersFile(HANDLE file, IO_STATUS_BLOCK *iosb);
W32_PENDING NTSTATUS NtWaitForSingleObject(HANDLE handle, ULONG alertable, LARGE_INTEGER *timeout);
W32_PENDING NTSTATUS NtWaitForMultipleObjects(ULONG count, HANDLE *handles, ULONG type, ULONG alertable, LARGE_INTEGER *timeout);
W32_PENDING NTSTATUS NtCancelIoFile(HANDLE file, IO_STATUS_BLOCK *iosb);
W32_PENDING NTSTATUS NtCancelIoFileEx(HANDLE file, IO_STATUS_BLOCK *match, IO_STATUS_BLOCK *iosb);

/* ps and mm */
W32_PENDING struct thread *ps_current(void);
W32_PENDING void ps_syscall_enter(struct syscall *s, uint32_t frame);
W32_PENDING void ps_syscall_leave(struct syscall *s);
W32_PENDING uint64_t mm_user_alloc(struct process *process, size_t bytes, int prot);
W32_PENDING void mm_user_free(struct process *process, uint64_t address, size_t bytes);
W32_PENDING uint64_t mm_user_reserve(struct process *process, size_t bytes);
W32_PENDING _Noreturn void ps_exit_process(NTSTATUS status);
W32_PENDING _Noreturn void ps_exit_thread(NTSTATUS status);

W32_PENDING struct thread *ps_threads(void);
W32_PENDING NTSTATUS ob_handle_reference(struct process *process, HANDLE handle, enum ob_type_index type, ACCESS_MASK wanted, void **object,
                                         ACCESS_MASK *granted);
W32_PENDING void ob_dereference(void *object);

/* ke */
W32_PENDING NTSTATUS KeWaitForSingleObject(PVOID object, ULONG reason, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout);
W32_PENDING void KeInitializeEvent(KEVENT *event, ULONG type, ULONG state);
W32_PENDING LONG KeSetEvent(KEVENT *event, LONG increment, ULONG wait);
W32_PENDING void KeClearEvent(KEVENT *event);
W32_PENDING NTSTATUS KeDelayExecutionThread(ULONG mode, ULONG alertable, LARGE_INTEGER *interval);
W32_PENDING _Noreturn void ke_raise_exception(NTSTATUS code, uint32_t nparams, const uint64_t *params);
W32_PENDING _Noreturn void ke_raise_status(NTSTATUS status);
W32_PENDING uint64_t ke_system_time(void);

#endif

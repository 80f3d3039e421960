/* The kernel services that the user side calls. The Nt functions enter the kernel themselves. */
#ifndef IRPLAB_WIN32_NT_H
#define IRPLAB_WIN32_NT_H

#include "io/io.h"
#include "ke/ke.h"
#include "ob/ob.h"
#include "ps/process.h"
#include "ps/ps.h"

NTSTATUS NtDelayExecution(ULONG alertable, LARGE_INTEGER *interval);
NTSTATUS NtYieldExecution(void);
/* Windows' own wait of the user side's locks. */
NTSTATUS nt_wait_for_alert(KEVENT *alert, LARGE_INTEGER *timeout);

#endif

/* Trace functions whose names stand in the project, in a comment, or nowhere because everybody uses them. None of them evaluates its arguments. */
#include <ntddk.h>
#include "wpp_names.tmh"

/* begin_wpp config
 * FUNC CommentTrace{LEVEL=TRACE_LEVEL_ERROR}(MSG, ...);
 * end_wpp */

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    WPP_INIT_TRACING(DriverObject, RegistryPath);
    ProjectTrace(TRACE_LEVEL_ERROR, FLAG_OF_NOBODY, "%d", undeclared);
    ProjectDump((TRACE_LEVEL_ERROR, FLAG_OF_NOBODY, "%!HEXDUMP!", undeclared));
    OptionTrace("%d", undeclared);
    CommentTrace("%d", undeclared);
    TraceEvents(TRACE_LEVEL_ERROR, FLAG_OF_NOBODY, "%d", undeclared);
    Hexdump((TRACE_LEVEL_ERROR, FLAG_OF_NOBODY, "%!HEXDUMP!", undeclared));
    DoTraceMessage(FLAG_OF_NOBODY, "%d", undeclared);
    WPP_CLEANUP(DriverObject);
    return STATUS_SUCCESS;
}

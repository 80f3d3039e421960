/* DbgPrint and its kin. What is printed becomes an event with the text; whoever shows it listens.
 *
 * DOC: a message is cut at 512 bytes. NT drops messages by component and level unless they are enabled; here all are kept and
 * say their component and level, because a lost message helps nobody. */
#include <string.h>

#include "ex/ex.h"
#include "nt/status.h"
#include "rtl/format.h"
#include "trace/trace.h"

enum { MESSAGE_BYTES = 512, DPFLTR_DEFAULT_ID = 101, DPFLTR_INFO_LEVEL = 3, DPFLTR_ERROR_LEVEL = 0 };

static char last[MESSAGE_BYTES + 1]; /* of this run, for its report; no part of the machine */

const char *ex_debug_last(void)
{
    return last;
}

void ex_debug_forget(void)
{
    last[0] = 0;
}

static NTSTATUS print(const char *prefix, ULONG component, ULONG level, const char *format, const uint64_t *args)
{
    char text[MESSAGE_BYTES + 1];
    struct rtl_buffer_sink sink;
    rtl_buffer_sink_init(&sink, text, MESSAGE_BYTES);
    for (const char *p = prefix; p && *p; p++)
        sink.sink.put(&sink.sink, (UCHAR)*p);
    rtl_format(&sink.sink, format, args);
    text[sink.length < MESSAGE_BYTES ? sink.length : MESSAGE_BYTES] = 0;
    trace_text(TRACE_DEBUG_PRINT, text, (uint64_t)component << 32 | level);
    memcpy(last, text, strlen(text) + 1);
    return STATUS_SUCCESS;
}

NTSTATUS DbgPrint(const uint64_t *args)
{
    return print(NULL, DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, (const char *)args[0], args + 1);
}

NTSTATUS DbgPrintReturnControlC(const uint64_t *args)
{
    return DbgPrint(args);
}

NTSTATUS DbgPrintEx(const uint64_t *args)
{
    return print(NULL, (ULONG)args[0], (ULONG)args[1], (const char *)args[2], args + 3);
}

NTSTATUS vDbgPrintEx(ULONG component, ULONG level, const char *format, const uint64_t *list)
{
    return print(NULL, component, level, format, list);
}

NTSTATUS vDbgPrintExWithPrefix(const char *prefix, ULONG component, ULONG level, const char *format, const uint64_t *list)
{
    return print(prefix, component, level, format, list);
}

/* Nobody answers: the response is empty. */
ULONG DbgPrompt(const char *prompt, char *response, ULONG length)
{
    trace_text(TRACE_DEBUG_PRINT, prompt, DPFLTR_ERROR_LEVEL);
    if (length)
        response[0] = 0;
    return 0;
}

NTSTATUS DbgQueryDebugFilterState(ULONG component, ULONG level)
{
    return TRUE; /* DOC: 1 = enabled */
}

NTSTATUS DbgSetDebugFilterState(ULONG component, ULONG level, ULONG state)
{
    return STATUS_SUCCESS;
}

NTSTATUS DbgSetDebugPrintCallback(PVOID callback, ULONG enable)
{
    return STATUS_SUCCESS;
}

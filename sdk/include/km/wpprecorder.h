/* WPP recorder logs: buffers that trace messages go to while no trace session is on. Here trace messages go nowhere (the trace
 * preprocessor's headers are made so by irplab cc), so a log is a handle without anything behind it: what the recorder's functions
 * do to it could not be seen by the driver on Windows either. Names and members are those of the public documentation. */
#ifndef IRPLAB_KM_WPPRECORDER_H
#define IRPLAB_KM_WPPRECORDER_H

#include <wdm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RECORDER_LOG_IDENTIFIER_MAX_CHARS 16

typedef struct RECORDER_LOG__ {
    int unused;
} *RECORDER_LOG;

typedef struct _RECORDER_CONFIGURE_PARAMS {
    ULONG Size;
    BOOLEAN CreateDefaultLog;
} RECORDER_CONFIGURE_PARAMS, *PRECORDER_CONFIGURE_PARAMS;

typedef struct _RECORDER_LOG_CREATE_PARAMS {
    ULONG Size;
    ULONG TotalBufferSize; /* bytes; 0: the default */
    ULONG ErrorPartitionSize; /* of them for messages of level error */
    CHAR LogIdentifier[RECORDER_LOG_IDENTIFIER_MAX_CHARS];
} RECORDER_LOG_CREATE_PARAMS, *PRECORDER_LOG_CREATE_PARAMS;

FORCEINLINE VOID RECORDER_CONFIGURE_PARAMS_INIT(PRECORDER_CONFIGURE_PARAMS Params)
{
    RtlZeroMemory(Params, sizeof *Params);
    Params->Size = sizeof *Params;
    Params->CreateDefaultLog = TRUE;
}

FORCEINLINE VOID RECORDER_LOG_CREATE_PARAMS_INIT(PRECORDER_LOG_CREATE_PARAMS Params, PCSTR LogIdentifier)
{
    RtlZeroMemory(Params, sizeof *Params);
    Params->Size = sizeof *Params;
    for (ULONG i = 0; LogIdentifier && LogIdentifier[i] && i + 1 < RECORDER_LOG_IDENTIFIER_MAX_CHARS; i++)
        Params->LogIdentifier[i] = LogIdentifier[i];
}

FORCEINLINE RECORDER_LOG IrplabRecorderLog(VOID)
{
    static struct RECORDER_LOG__ log;
    return &log;
}

FORCEINLINE VOID WppRecorderConfigure(PRECORDER_CONFIGURE_PARAMS ConfigureParams)
{
    UNREFERENCED_PARAMETER(ConfigureParams);
}

FORCEINLINE BOOLEAN WppRecorderIsDefaultLogAvailable(VOID)
{
    return TRUE;
}

FORCEINLINE RECORDER_LOG WppRecorderLogGetDefault(VOID)
{
    return IrplabRecorderLog();
}

FORCEINLINE NTSTATUS WppRecorderLogCreate(PRECORDER_LOG_CREATE_PARAMS CreateParams, RECORDER_LOG *RecorderLog)
{
    *RecorderLog = NULL;
    if (CreateParams->Size != sizeof *CreateParams)
        return STATUS_INVALID_PARAMETER;
    *RecorderLog = IrplabRecorderLog();
    return STATUS_SUCCESS;
}

FORCEINLINE VOID WppRecorderLogDelete(RECORDER_LOG RecorderLog)
{
    UNREFERENCED_PARAMETER(RecorderLog);
}

FORCEINLINE NTSTATUS WppRecorderLogSetIdentifier(RECORDER_LOG RecorderLog, PCSTR LogIdentifier)
{
    UNREFERENCED_PARAMETER(RecorderLog);
    UNREFERENCED_PARAMETER(LogIdentifier);
    return STATUS_SUCCESS;
}

#ifdef __cplusplus
}
#endif

#endif

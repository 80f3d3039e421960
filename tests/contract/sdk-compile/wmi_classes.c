/* The header that wmimofck makes of wmi_classes.mof: structures, sizes, numbers and names as in wmidata.h, which it made. */
#include <ntddk.h>
#include <wmistr.h>
#include <initguid.h>
#include <wmi_classesMof.h>

#define SAME(a, b) _Static_assert((a) == (b), #a)

SAME(sizeof(LampSegment), 16);
SAME(LampSegment_Since_ID, 2);
SAME(LampSegment_SIZE, 16);

SAME(FIELD_OFFSET(LampState, On), 0);
SAME(FIELD_OFFSET(LampState, Colour), 1);
SAME(FIELD_OFFSET(LampState, Kind), 4);
SAME(FIELD_OFFSET(LampState, Place), 8);
SAME(FIELD_OFFSET(LampState, Segment), 40);
SAME(LampState_Colour_SIZE, 3);
SAME(LampState_Place_SIZE, 32);
SAME(LampState_On_ID, 1);
SAME(LampState_Kind_ID, 3);
SAME(LampState_SIZE, 56);

SAME(FIELD_OFFSET(LampReport, VariableData), 4);
SAME(LampReport_Code_SIZE, 4);
SAME(LampReport_Text_ID, 2);
SAME(LampReport_More_ID, 3);
#ifdef LampReport_SIZE
#error a class with a string has no size
#endif

SAME(FIELD_OFFSET(LAMP_LOG, Entry), 8);
SAME(LAMP_LOG_Entry_ID, 2);
SAME(Dim, 7);
SAME(Dim_IN_SIZE, 8);
SAME(Dim_OUT_SIZE, 8);
SAME(FIELD_OFFSET(Dim_IN, Token), 4);
SAME(FIELD_OFFSET(Dim_OUT, Before), 4);
SAME(Dim_OUT_Before_ID, 3);

/* Inline functions of Microsoft's kind: `static` may stand beside the word, and they have an address. */
static __forceinline ULONG Twice(ULONG x)
{
    return 2 * x;
}
FORCEINLINE ULONG Thrice(ULONG x)
{
    return 3 * x;
}

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD Unload;
static ULONG (*volatile Functions[])(ULONG) = {Twice, Thrice};

VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    static const GUID state = {0xE5C0A1D0, 2, 0x4a5b, {0x9c, 0x3d, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66}};
    static const GUID log = LAMP_LOG_INIT, report = LampReportGuid;
    PLampState pointer = NULL;
    UNREFERENCED_PARAMETER(RegistryPath);
    UNREFERENCED_PARAMETER(pointer);
    DriverObject->DriverUnload = Unload;
    if (!IsEqualGUID(&state, &LampState_GUID) || !IsEqualGUID(&log, &GUID_LAMP_LOG) || !IsEqualGUID(&report, &LampReport_GUID))
        return STATUS_UNSUCCESSFUL;
    return Functions[0](4) + Functions[1](5) == 23 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* The driver framework (KMDF): its function table and the structures through which drivers give it callbacks.
 *
 * A driver calls through table[index] of a variable that binding fills; the variable is found in the structure that the driver
 * binds itself with. DOC: WDF_BIND_INFO and the structures of the public headers wdfdriver.h, wdfio.h, wdfdevice.h, wdftimer.h,
 * wdfdpc.h, wdfworkitem.h, wdfinterrupt.h, wdfchildlist.h, wdfobject.h; x64. */
#include "graph/arguments.h"
#include "graph/values.h"

#include <string.h>

static const char *const functions_of_framework[] = {
#define X(name) #name,
#include "graph/wdf_functions.def"
#undef X
};

const char *graph_framework_name(uint32_t index)
{
    return index < sizeof functions_of_framework / sizeof functions_of_framework[0] ? functions_of_framework[index] : NULL;
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

enum { BIND_COMPONENT = 8, BIND_COUNT = 0x1c, BIND_TABLE = 0x20, BIND_SMALLEST = 0x28, BIND_LARGEST = 0x60 };

static bool imports_binding(const struct graph_index *x)
{
    for (uint32_t i = 0; i < x->import_count; i++)
        if (strcmp(graph_string(x, x->imports[i].name), "WdfVersionBind") == 0)
            return true;
    return false;
}

static uint64_t value_at(const struct graph_image *g, uint32_t rva, size_t n)
{
    const uint8_t *p = pe_at(&g->m, rva, (uint32_t)n);
    uint64_t v = 0;
    if (p)
        memcpy(&v, p, n);
    return v;
}

uint32_t graph_find_framework(const struct graph_image *g, uint32_t *functions)
{
    static const char name[] = "K\0m\0d\0f\0L\0i\0b\0r\0a\0r\0y\0\0";
    const uint8_t *component = imports_binding(&g->x) ? memmem(g->m.base, g->m.size, name, sizeof name) : NULL;
    if (!component)
        return 0;
    uint64_t va = g->m.va + (uint64_t)(component - g->m.base);
    for (uint32_t at = BIND_COMPONENT; at + BIND_SMALLEST <= g->m.size; at += 8) {
        if (value_at(g, at, 8) != va)
            continue;
        uint32_t info = at - BIND_COMPONENT, size = (uint32_t)value_at(g, info, 4);
        uint32_t table = pe_rva_of(&g->m, value_at(g, info + BIND_TABLE, 8));
        *functions = (uint32_t)value_at(g, info + BIND_COUNT, 4);
        if (size >= BIND_SMALLEST && size <= BIND_LARGEST && table && *functions)
            return table;
    }
    return 0;
}

/* --- structures ------------------------------------------------------------------------------------------------------- */

static const struct graph_callback_field driver_config[] = { { 8, "EvtDriverDeviceAdd" }, { 0x10, "EvtDriverUnload" } };
static const struct graph_callback_field queue_config[] = {
    { 0x10, "EvtIoDefault" }, { 0x18, "EvtIoRead" }, { 0x20, "EvtIoWrite" }, { 0x28, "EvtIoDeviceControl" }, { 0x30, "EvtIoInternalDeviceControl" },
    { 0x38, "EvtIoStop" }, { 0x40, "EvtIoResume" }, { 0x48, "EvtIoCanceledOnQueue" } };
static const struct graph_callback_field pnp_callbacks[] = {
    { 0x08, "EvtDeviceD0Entry" }, { 0x10, "EvtDeviceD0EntryPostInterruptsEnabled" }, { 0x18, "EvtDeviceD0Exit" },
    { 0x20, "EvtDeviceD0ExitPreInterruptsDisabled" }, { 0x28, "EvtDevicePrepareHardware" }, { 0x30, "EvtDeviceReleaseHardware" },
    { 0x38, "EvtDeviceSelfManagedIoCleanup" }, { 0x40, "EvtDeviceSelfManagedIoFlush" }, { 0x48, "EvtDeviceSelfManagedIoInit" },
    { 0x50, "EvtDeviceSelfManagedIoSuspend" }, { 0x58, "EvtDeviceSelfManagedIoRestart" }, { 0x60, "EvtDeviceSurpriseRemoval" },
    { 0x68, "EvtDeviceQueryRemove" }, { 0x70, "EvtDeviceQueryStop" }, { 0x78, "EvtDeviceUsageNotification" }, { 0x80, "EvtDeviceRelationsQuery" },
    { 0x88, "EvtDeviceUsageNotificationEx" } };
static const struct graph_callback_field power_policy_callbacks[] = {
    { 0x08, "EvtDeviceArmWakeFromS0" }, { 0x10, "EvtDeviceDisarmWakeFromS0" }, { 0x18, "EvtDeviceWakeFromS0Triggered" },
    { 0x20, "EvtDeviceArmWakeFromSx" }, { 0x28, "EvtDeviceDisarmWakeFromSx" }, { 0x30, "EvtDeviceWakeFromSxTriggered" },
    { 0x38, "EvtDeviceArmWakeFromSxWithReason" } };
static const struct graph_callback_field file_config[] = { { 0x08, "EvtDeviceFileCreate" }, { 0x10, "EvtFileClose" }, { 0x18, "EvtFileCleanup" } };
static const struct graph_callback_field timer_config[] = { { 8, "EvtTimerFunc" } };
static const struct graph_callback_field work_item_config[] = { { 8, "EvtWorkItemFunc" } };
static const struct graph_callback_field dpc_config[] = { { 8, "EvtDpcFunc" } };
static const struct graph_callback_field interrupt_config[] = {
    { 0x18, "EvtInterruptIsr" }, { 0x20, "EvtInterruptDpc" }, { 0x28, "EvtInterruptEnable" }, { 0x30, "EvtInterruptDisable" },
    { 0x38, "EvtInterruptWorkItem" } };
static const struct graph_callback_field child_list_config[] = {
    { 0x10, "EvtChildListCreateDevice" }, { 0x18, "EvtChildListScanForChildren" }, { 0x20, "EvtChildListIdentificationDescriptionCopy" },
    { 0x28, "EvtChildListIdentificationDescriptionDuplicate" }, { 0x30, "EvtChildListIdentificationDescriptionCleanup" },
    { 0x38, "EvtChildListIdentificationDescriptionCompare" }, { 0x40, "EvtChildListAddressDescriptionCopy" },
    { 0x48, "EvtChildListAddressDescriptionDuplicate" }, { 0x50, "EvtChildListAddressDescriptionCleanup" },
    { 0x58, "EvtChildListDeviceReenumerated" } };
static const struct graph_callback_field object_attributes[] = { { 0x08, "EvtCleanupCallback" }, { 0x10, "EvtDestroyCallback" } };

#define FIELDS(a) a, sizeof a / sizeof a[0]
static const struct {
    const char *routine;
    unsigned index;
    const struct graph_callback_field *fields;
    size_t count;
} structures[] = { /* argument 0 is the framework's own */
    { "WdfDriverCreate", 3, FIELDS(object_attributes) },
    { "WdfDriverCreate", 4, FIELDS(driver_config) },
    { "WdfDeviceInitSetPnpPowerEventCallbacks", 2, FIELDS(pnp_callbacks) },
    { "WdfDeviceInitSetPowerPolicyEventCallbacks", 2, FIELDS(power_policy_callbacks) },
    { "WdfDeviceInitSetFileObjectConfig", 2, FIELDS(file_config) },
    { "WdfDeviceInitSetFileObjectConfig", 3, FIELDS(object_attributes) },
    { "WdfDeviceInitSetRequestAttributes", 2, FIELDS(object_attributes) },
    { "WdfDeviceCreate", 2, FIELDS(object_attributes) },
    { "WdfControlDeviceInitSetShutdownNotification", 2, NULL, 0 },
    { "WdfIoQueueCreate", 2, FIELDS(queue_config) },
    { "WdfIoQueueCreate", 3, FIELDS(object_attributes) },
    { "WdfTimerCreate", 1, FIELDS(timer_config) },
    { "WdfTimerCreate", 2, FIELDS(object_attributes) },
    { "WdfWorkItemCreate", 1, FIELDS(work_item_config) },
    { "WdfWorkItemCreate", 2, FIELDS(object_attributes) },
    { "WdfDpcCreate", 1, FIELDS(dpc_config) },
    { "WdfDpcCreate", 2, FIELDS(object_attributes) },
    { "WdfInterruptCreate", 2, FIELDS(interrupt_config) },
    { "WdfInterruptCreate", 3, FIELDS(object_attributes) },
    { "WdfChildListCreate", 2, FIELDS(child_list_config) },
    { "WdfFdoInitSetDefaultChildListConfig", 2, FIELDS(child_list_config) },
    { "WdfObjectAllocateContext", 2, FIELDS(object_attributes) },
    { "WdfObjectCreate", 1, FIELDS(object_attributes) },
    { "WdfRequestCreate", 1, FIELDS(object_attributes) },
    { "WdfMemoryCreate", 1, FIELDS(object_attributes) },
};

static const struct {
    const char *routine;
    unsigned index;
    const char *name;
} direct[] = {
    { "WdfDeviceInitSetIoInCallerContextCallback", 2, "EvtIoInCallerContext" },
    { "WdfDeviceInitAssignWdmIrpPreprocessCallback", 2, "EvtDeviceWdmIrpPreprocess" },
    { "WdfControlDeviceInitSetShutdownNotification", 2, "EvtDeviceShutdownNotification" },
    { "WdfDeviceInitRegisterPnpStateChangeCallback", 3, "EvtDevicePnpStateChange" },
    { "WdfDeviceInitRegisterPowerStateChangeCallback", 3, "EvtDevicePowerStateChange" },
    { "WdfIoQueueReadyNotify", 2, "EvtIoQueueState" },
    { "WdfRequestMarkCancelable", 2, "EvtRequestCancel" },
    { "WdfRequestMarkCancelableEx", 2, "EvtRequestCancel" },
};

const struct graph_callback_field *graph_callback_fields(const char *routine, unsigned index, size_t *count)
{
    *count = 0;
    if (strncmp(routine, "Wdf", 3) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof structures / sizeof structures[0]; i++)
        if (structures[i].index == index && strcmp(structures[i].routine, routine) == 0) {
            *count = structures[i].count;
            return structures[i].fields;
        }
    return NULL;
}

const char *graph_direct_callback(const char *routine, unsigned index)
{
    if (strncmp(routine, "Wdf", 3) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof direct / sizeof direct[0]; i++)
        if (direct[i].index == index && strcmp(direct[i].routine, routine) == 0)
            return direct[i].name;
    return NULL;
}

/* --- what they hold --------------------------------------------------------------------------------------------------- */

static uint32_t function_at(const struct graph_image *g, uint64_t va)
{
    uint32_t rva = pe_rva_of(&g->m, va);
    return rva && graph_is_code(g, rva) ? graph_function_at(&g->x, rva) : GRAPH_NONE;
}

static void field_of(const struct graph_image *g, const struct graph_state *st, const struct graph_value *at, const struct graph_callback_field *field,
                     graph_callback_fn *fn, void *ctx)
{
    uint64_t where = at->number + field->offset;
    const struct graph_set *slot = at->kind == GRAPH_STACK ? graph_stack_slot(st, (int64_t)where) : NULL;
    for (unsigned k = 0; slot && k < slot->count; k++) {
        uint32_t f = slot->v[k].kind == GRAPH_CONST ? function_at(g, slot->v[k].number) : GRAPH_NONE;
        if (f != GRAPH_NONE)
            fn(ctx, field->name, f);
    }
    uint32_t rva = at->kind == GRAPH_CONST ? pe_rva_of(&g->m, where) : 0;
    uint32_t f = rva ? function_at(g, value_at(g, rva, 8)) : GRAPH_NONE;
    if (f != GRAPH_NONE)
        fn(ctx, field->name, f);
}

void graph_read_callbacks(const struct graph_image *g, const struct graph_state *st, const struct graph_set *pointer, const char *routine, unsigned index,
                          graph_callback_fn *fn, void *ctx)
{
    size_t count;
    const struct graph_callback_field *fields = pointer && pointer->count ? graph_callback_fields(routine, index, &count) : NULL;
    for (unsigned k = 0; fields && k < pointer->count; k++)
        for (size_t i = 0; i < count; i++)
            field_of(g, st, &pointer->v[k], &fields[i], fn, ctx);
    const char *name = pointer ? graph_direct_callback(routine, index) : NULL;
    for (unsigned k = 0; name && k < pointer->count; k++) {
        uint32_t f = pointer->v[k].kind == GRAPH_CONST ? function_at(g, pointer->v[k].number) : GRAPH_NONE;
        if (f != GRAPH_NONE)
            fn(ctx, name, f);
    }
}

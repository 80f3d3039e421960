/* Exported variables of the kernel, filled when the synthetic images are built (objects and processes exist by then).
 * A WDK declaration such as `extern POBJECT_TYPE *IoFileObjectType` names the import slot: the variable itself is the pointer. */
#include <string.h>

#include "mm/mm.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "sim/machine.h"

enum { DATA_TAG = 0x61746144, TYPE_BYTES = 0xD8 };

static void put(void *at, uint64_t value, size_t bytes)
{
    memcpy(at, &value, bytes);
}

#define SCALAR(name, bytes, value)                                                                                     \
    void ex_data_##name(void *at);                                                                                     \
    void ex_data_##name(void *at)                                                                                      \
    {                                                                                                                  \
        put(at, (uint64_t)(value), bytes);                                                                             \
    }

/* As on x64 Windows, 64 KiB below the kernel half are no man's land. */
SCALAR(highest_user_address, 8, KERNEL_BASE - 0x10001)
SCALAR(user_probe_address, 8, KERNEL_BASE - 0x10000)
SCALAR(system_range_start, 8, KERNEL_BASE)
SCALAR(bad_pointer, 8, KERNEL_END - 0x1000) /* never mapped */
SCALAR(zero_1, 1, 0)
SCALAR(zero_2, 2, 0)
SCALAR(zero_4, 4, 0)
SCALAR(zero_8, 8, 0)
SCALAR(one_1, 1, 1)
SCALAR(processors, 1, MACHINE->processor_count)
SCALAR(ansi_code_page, 2, 1252)
SCALAR(oem_code_page, 2, 437)
SCALAR(ui_language, 2, 0x409)
SCALAR(system_process, 8, ps_system() ? ps_system()->eprocess : NULL)
SCALAR(type_device, 8, ob_type_object(OB_DEVICE))
SCALAR(type_driver, 8, ob_type_object(OB_DRIVER))
SCALAR(type_file, 8, ob_type_object(OB_FILE))
SCALAR(type_event, 8, ob_type_object(OB_EVENT))
SCALAR(type_semaphore, 8, ob_type_object(OB_SEMAPHORE))
SCALAR(type_mutant, 8, ob_type_object(OB_MUTANT))
SCALAR(type_timer, 8, ob_type_object(OB_TIMER))
SCALAR(type_thread, 8, ob_type_object(OB_THREAD))
SCALAR(type_process, 8, ob_type_object(OB_PROCESS))
SCALAR(type_key, 8, ob_type_object(OB_KEY))
SCALAR(type_section, 8, ob_type_object(OB_SECTION))
SCALAR(type_token, 8, ob_type_object(OB_TOKEN))
SCALAR(type_tm_manager, 8, ob_type_object(OB_TM_MANAGER))
SCALAR(type_tm_resource, 8, ob_type_object(OB_TM_RESOURCE))
SCALAR(type_tm_transaction, 8, ob_type_object(OB_TM_TRANSACTION))
SCALAR(type_tm_enlistment, 8, ob_type_object(OB_TM_ENLISTMENT))

static void *guest_zeros(size_t bytes)
{
    return memset(ex_pool_alloc(0, bytes, DATA_TAG), 0, bytes);
}

/* A type of which there are no objects here: something distinct to compare with. */
void ex_data_type_none(void *at);
void ex_data_type_none(void *at)
{
    LIST_ENTRY *type = guest_zeros(TYPE_BYTES);
    type->Flink = type->Blink = type; /* see ob_init */
    put(at, (uint64_t)type, 8);
}

/* KSYSTEM_TIME. Only x86 code reads it here: the x64 macros read KUSER_SHARED_DATA. */
void ex_data_tick_count(void *at);
void ex_data_tick_count(void *at)
{
    uint64_t ticks = MACHINE->clock_100ns / 156250;
    uint32_t parts[3] = { (uint32_t)ticks, (uint32_t)(ticks >> 32), (uint32_t)(ticks >> 32) };
    memcpy(at, parts, sizeof parts);
}

/* GUESS: a version and no routines; a driver that hooks or calls the table's routines is not supported. */
void ex_data_hal_dispatch(void *at);
void ex_data_hal_dispatch(void *at)
{
    memset(at, 0, 0x110);
    put(at, 4, 4);
}

void ex_data_hal_private_dispatch(void *at);
void ex_data_hal_private_dispatch(void *at)
{
    memset(at, 0, 0x400);
    put(at, 21, 4);
}

void ex_data_zero_block(void *at);
void ex_data_zero_block(void *at)
{
    memset(at, 0, 40);
}

void ex_data_build_guid(void *at);
void ex_data_build_guid(void *at)
{
    static const uint8_t guid[16] = { 0x49, 0x52, 0x50, 0x4C, 0x41, 0x42, 0x00, 0x40, 0x80, 0, 0, 0, 0, 0, 0, 1 };
    memcpy(at, guid, sizeof guid);
}

/* Code pages 1252 and 437 have no lead bytes. */
void ex_data_lead_bytes(void *at);
void ex_data_lead_bytes(void *at)
{
    put(at, (uint64_t)guest_zeros(256 * 2), 8);
}

/* DOC (ntifs.h): bit 0 FAT, 1 HPFS, 2 NTFS, 3 wild card, 4 OLE. GUESS: the exact sets beyond the documented ones. */
enum { LEGAL_FAT = 1, LEGAL_HPFS = 2, LEGAL_NTFS = 4, WILD = 8, LEGAL_OLE = 16 };

static uint8_t legal_of(int c)
{
    if (c < 0x20)
        return c == 0 ? 0 : LEGAL_OLE;
    if (strchr("*?<>\"", c))
        return WILD | (strchr("\"<>", c) ? LEGAL_OLE : 0);
    if (strchr("/\\:", c))
        return 0;
    if (c == '|')
        return LEGAL_OLE;
    if (strchr("+,;=[]", c))
        return LEGAL_HPFS | LEGAL_NTFS | LEGAL_OLE;
    return LEGAL_FAT | LEGAL_HPFS | LEGAL_NTFS | LEGAL_OLE;
}

void ex_data_legal_ansi(void *at);
void ex_data_legal_ansi(void *at)
{
    uint8_t *table = guest_zeros(128);
    for (int c = 0; c < 128; c++)
        table[c] = legal_of(c);
    put(at, (uint64_t)table, 8);
}

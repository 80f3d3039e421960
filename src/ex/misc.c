/* Small calls of the executive that belong to no other file. */
#include <string.h>

#include "ex/ex.h"
#include "ex/room.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ps/ps.h"

void ex_init(void)
{
    ex_room();
    ex_callback_init();
}

ULONG ExGetPreviousMode(void)
{
    const struct thread *t = ps_current();
    return t ? t->previous_mode : KernelMode;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b * 0x9E3779B97F4A7C15ull)) * 0xBF58476D1CE4E5B9ull;
    return h ^ (h >> 31);
}

/* The same in every run that reaches this call of this thread; a version 4 UUID in form. */
NTSTATUS ExUuidCreate(GUID *uuid)
{
    struct agent *a = sim_current();
    uint64_t q[2] = { mix(a->stable_id, a->steps), mix(a->steps, a->stable_id) };
    memcpy(uuid, q, sizeof *uuid);
    uuid->Data3 = (USHORT)((uuid->Data3 & 0x0FFF) | 0x4000);
    uuid->Data4[0] = (UCHAR)((uuid->Data4[0] & 0x3F) | 0x80);
    return STATUS_SUCCESS;
}

/* PF_* numbers of winnt.h that the one processor model has. */
BOOLEAN ExIsProcessorFeaturePresent(ULONG feature)
{
    static const uint8_t present[] = { 2 /* cmpxchg8b */, 3 /* mmx */, 6 /* sse */, 8 /* rdtsc */, 9 /* pae */, 10 /* sse2 */, 12 /* nx */,
                                       13 /* sse3 */, 14 /* cmpxchg16b */ };
    return memchr(present, (int)feature, sizeof present) != NULL && feature < 256;
}

BOOLEAN ExVerifySuite(ULONG suite)
{
    return suite == 8; /* SingleUserTS */
}

SIZE_T ExQueryPoolBlockSize(PVOID p, BOOLEAN *quota)
{
    struct pool_block b;
    *quota = FALSE;
    return mm_pool_find((uint64_t)p, &b) && !b.free ? b.bytes : 0;
}

/* DOC: a driver's message box. Nobody is there to answer. */
NTSTATUS ExRaiseHardError(NTSTATUS status, ULONG count, ULONG unicode_mask, PVOID parameters, ULONG options, ULONG *response)
{
    *response = 0; /* ResponseReturnToCaller */
    return STATUS_SUCCESS;
}

NTSTATUS ExGetFirmwareEnvironmentVariable(UNICODE_STRING *name, const GUID *vendor, PVOID value, ULONG *length, ULONG *attributes)
{
    return STATUS_NOT_IMPLEMENTED; /* as on a machine without UEFI */
}

NTSTATUS ExSetFirmwareEnvironmentVariable(UNICODE_STRING *name, const GUID *vendor, PVOID value, ULONG length, ULONG attributes)
{
    return STATUS_NOT_IMPLEMENTED;
}

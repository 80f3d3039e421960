/* DMA adapters of bus-master devices. Devices see physical addresses as they are and map registers are never short, so a driver gets its
 * channel at once. What it does with the addresses is between it and its simulated device (mm/physical.c). */
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "mm/physical.h"
#include "sim/door.h"

enum { DMA_TAG = 0x616D4448, PAGE = 0x1000, MOST_REGISTERS = 0x10000, KEEP_OBJECT = 1, DEALLOCATE_OBJECT = 2, DEALLOCATE_OBJECT_KEEP_REGISTERS = 3 };

typedef struct { /* the part that a driver reads */
    ULONG Version;
    BOOLEAN Master, ScatterGather, DemandMode, AutoInitialize, Dma32BitAddresses, IgnoreCount, Reserved1, Dma64BitAddresses;
    ULONG BusNumber, DmaChannel, InterfaceType, DmaWidth, DmaSpeed, MaximumLength, DmaPort;
} DEVICE_DESCRIPTION;
_Static_assert(offsetof(DEVICE_DESCRIPTION, MaximumLength) == 0x20, "layout");

typedef struct {
    ULONG Size;
    PVOID routines[15]; /* PutDmaAdapter … BuildMdlFromScatterGatherList */
} DMA_OPERATIONS;

typedef struct {
    USHORT Version, Size;
    DMA_OPERATIONS *DmaOperations;
    /* ours */
    DMA_OPERATIONS operations;
} DMA_ADAPTER;

typedef struct {
    ULONG64 Address;
    ULONG Length;
    ULONG_PTR Reserved;
} SCATTER_GATHER_ELEMENT;

typedef struct {
    ULONG NumberOfElements;
    ULONG_PTR Reserved;
    SCATTER_GATHER_ELEMENT Elements[];
} SCATTER_GATHER_LIST;
_Static_assert(sizeof(SCATTER_GATHER_ELEMENT) == 0x18 && offsetof(SCATTER_GATHER_LIST, Elements) == 0x10, "layout");

DMA_ADAPTER *IoGetDmaAdapter(DEVICE_OBJECT *device, const DEVICE_DESCRIPTION *description, ULONG *registers)
{
    static const char *const names[] = { "HalPutDmaAdapter", "HalAllocateCommonBuffer", "HalFreeCommonBuffer", "HalAllocateAdapterChannel", "IoFlushAdapterBuffers",
                                         "IoFreeAdapterChannel", "IoFreeMapRegisters", "IoMapTransfer", "HalGetDmaAlignment", "HalReadDmaCounter", "HalGetScatterGatherList",
                                         "HalPutScatterGatherList", "HalCalculateScatterGatherListSize", "HalBuildScatterGatherList", "HalBuildMdlFromScatterGatherList" };
    if (description->Version > 2 || !description->Master) /* the system's own DMA controller is not there */
        return NULL;
    DMA_ADAPTER *a = ex_pool_alloc(512 /* NonPagedPoolNx */, sizeof *a, DMA_TAG);
    if (!a)
        return NULL;
    *a = (DMA_ADAPTER) { .Version = (USHORT)(description->Version ? description->Version : 1), .Size = sizeof *a, .DmaOperations = &a->operations };
    a->operations.Size = sizeof a->operations;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        a->operations.routines[i] = (PVOID)door_export_address("hal.dll", names[i]);
    uint64_t pages = (uint64_t)description->MaximumLength / PAGE + 2;
    *registers = (ULONG)(description->MaximumLength && pages < MOST_REGISTERS ? pages : MOST_REGISTERS);
    return a;
}

void io_dma_put(DMA_ADAPTER *a)
{
    ex_pool_free(a);
}

PVOID io_dma_common_buffer(DMA_ADAPTER *a, ULONG length, ULONG64 *logical, ULONG cached)
{
    PVOID p = MmAllocateContiguousMemory(length, ~0ull);
    if (p)
        *logical = mm_physical_of((uint64_t)p);
    return p;
}

void io_dma_common_buffer_free(DMA_ADAPTER *a, ULONG length, ULONG64 logical, PVOID p, ULONG cached)
{
    MmFreeContiguousMemory(p);
}

NTSTATUS io_dma_channel(DMA_ADAPTER *a, DEVICE_OBJECT *device, ULONG registers, PVOID routine, PVOID context)
{
    if (registers > MOST_REGISTERS)
        return STATUS_INSUFFICIENT_RESOURCES;
    /* What the driver decides about the channel needs no book-keeping: there are enough of them. */
    (void)guest_call(FRAME_NONE, routine, 4, (uint64_t)device, (uint64_t)device->CurrentIrp, (uint64_t)a, (uint64_t)context);
    return STATUS_SUCCESS;
}

ULONG io_dma_flush(DMA_ADAPTER *a, MDL *mdl, PVOID base, PVOID va, ULONG length, ULONG to_device)
{
    return TRUE;
}

void io_dma_channel_free(DMA_ADAPTER *a)
{
}

void io_dma_registers_free(DMA_ADAPTER *a, PVOID base, ULONG count)
{
}

/* The physical address of one byte of an MDL, and how many bytes follow it without a gap. */
static uint64_t physical_run(const MDL *mdl, uint64_t offset, uint64_t length, ULONG *run)
{
    const uint64_t *pages = (const uint64_t *)(mdl + 1);
    uint64_t at = mdl->ByteOffset + offset, page = at / PAGE, start = pages[page] * PAGE + at % PAGE;
    uint64_t n = PAGE - at % PAGE;
    while (n < length && pages[page + 1] == pages[page] + 1) {
        n += PAGE;
        page++;
    }
    *run = (ULONG)(n < length ? n : length);
    return start;
}

static uint64_t offset_in(const MDL *mdl, const void *va)
{
    return (uint64_t)va - ((uint64_t)mdl->StartVa + mdl->ByteOffset);
}

ULONG64 io_dma_map(DMA_ADAPTER *a, MDL *mdl, PVOID base, PVOID va, ULONG *length, ULONG to_device)
{
    uint64_t offset = offset_in(mdl, va);
    if (offset >= mdl->ByteCount)
        return 0;
    return physical_run(mdl, offset, *length < mdl->ByteCount - offset ? *length : mdl->ByteCount - offset, length);
}

ULONG io_dma_alignment(DMA_ADAPTER *a)
{
    return 1;
}

ULONG io_dma_counter(DMA_ADAPTER *a)
{
    return 0; /* a bus master counts by itself */
}

/* Fills elements (NULL: only counts); returns their number. The chain of MDLs belongs to one buffer. */
static ULONG gather(const MDL *mdl, const void *va, ULONG length, SCATTER_GATHER_ELEMENT *elements)
{
    ULONG n = 0;
    uint64_t offset = offset_in(mdl, va);
    while (mdl && length) {
        while (offset < mdl->ByteCount && length) {
            ULONG run;
            uint64_t left = mdl->ByteCount - offset, physical = physical_run(mdl, offset, left < length ? left : length, &run);
            if (elements)
                elements[n] = (SCATTER_GATHER_ELEMENT) { .Address = physical, .Length = run };
            n++;
            offset += run;
            length -= run;
        }
        offset = offset > mdl->ByteCount ? offset - mdl->ByteCount : 0;
        mdl = mdl->Next;
    }
    return n;
}

static size_t list_bytes(ULONG elements)
{
    return sizeof(SCATTER_GATHER_LIST) + elements * sizeof(SCATTER_GATHER_ELEMENT);
}

static void hand_over(DEVICE_OBJECT *device, const MDL *mdl, const void *va, ULONG length, PVOID routine, PVOID context, SCATTER_GATHER_LIST *l)
{
    l->NumberOfElements = gather(mdl, va, length, l->Elements);
    guest_call(FRAME_NONE, routine, 4, (uint64_t)device, (uint64_t)device->CurrentIrp, (uint64_t)l, (uint64_t)context);
}

NTSTATUS io_dma_list(DMA_ADAPTER *a, DEVICE_OBJECT *device, MDL *mdl, PVOID va, ULONG length, PVOID routine, PVOID context, ULONG to_device)
{
    if (!mdl || !length)
        return STATUS_INVALID_PARAMETER;
    size_t bytes = list_bytes(gather(mdl, va, length, NULL));
    SCATTER_GATHER_LIST *l = ex_pool_alloc(512, bytes, DMA_TAG);
    if (!l)
        return STATUS_INSUFFICIENT_RESOURCES;
    *l = (SCATTER_GATHER_LIST) { .Reserved = TRUE }; /* ours to free */
    hand_over(device, mdl, va, length, routine, context, l);
    return STATUS_SUCCESS;
}

NTSTATUS io_dma_list_size(DMA_ADAPTER *a, const MDL *mdl, PVOID va, ULONG length, ULONG *bytes, ULONG *registers)
{
    ULONG pages = (ULONG)((((uint64_t)va & (PAGE - 1)) + length + PAGE - 1) / PAGE);
    *bytes = (ULONG)list_bytes(pages ? pages : 1);
    if (registers)
        *registers = pages;
    return STATUS_SUCCESS;
}

NTSTATUS io_dma_list_build(DMA_ADAPTER *a, DEVICE_OBJECT *device, MDL *mdl, PVOID va, ULONG length, PVOID routine, PVOID context, ULONG to_device, SCATTER_GATHER_LIST *buffer,
                           ULONG bytes)
{
    if (bytes < list_bytes(gather(mdl, va, length, NULL)))
        return STATUS_BUFFER_TOO_SMALL;
    buffer->Reserved = FALSE; /* the driver's */
    hand_over(device, mdl, va, length, routine, context, buffer);
    return STATUS_SUCCESS;
}

void io_dma_list_put(DMA_ADAPTER *a, SCATTER_GATHER_LIST *l, ULONG to_device)
{
    if (l->Reserved)
        ex_pool_free(l);
}

/* Logical addresses are physical ones: the original MDL tells them already. */
NTSTATUS io_dma_mdl(DMA_ADAPTER *a, SCATTER_GATHER_LIST *l, MDL *original, MDL **out)
{
    *out = original;
    return original ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

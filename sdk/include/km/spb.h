/* Requests to devices on simple peripheral buses (I2C, SPI). Names, values and fields are those of Microsoft's documentation; the text is this
 * project's. */
#ifndef _SPB_H_
#define _SPB_H_

#if defined(__clang__)
#pragma clang system_header
#endif

#include <devioctl.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPB_IOCTL(id) CTL_CODE(FILE_DEVICE_CONTROLLER, (id), METHOD_BUFFERED, FILE_ANY_ACCESS)

#define IOCTL_SPB_LOCK_CONTROLLER CTL_CODE(FILE_DEVICE_CONTROLLER, 0x100, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SPB_UNLOCK_CONTROLLER CTL_CODE(FILE_DEVICE_CONTROLLER, 0x101, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SPB_EXECUTE_SEQUENCE CTL_CODE(FILE_DEVICE_CONTROLLER, 0x102, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SPB_LOCK_CONNECTION CTL_CODE(FILE_DEVICE_CONTROLLER, 0x103, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SPB_UNLOCK_CONNECTION CTL_CODE(FILE_DEVICE_CONTROLLER, 0x104, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SPB_FULL_DUPLEX CTL_CODE(FILE_DEVICE_CONTROLLER, 0x105, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SPB_MULTI_SPI_TRANSFER CTL_CODE(FILE_DEVICE_CONTROLLER, 0x106, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef enum SPB_TRANSFER_DIRECTION {
    SpbTransferDirectionNone = 0,
    SpbTransferDirectionFromDevice,
    SpbTransferDirectionToDevice,
    SpbTransferDirectionMax
} SPB_TRANSFER_DIRECTION;

typedef enum SPB_TRANSFER_BUFFER_FORMAT {
    SpbTransferBufferFormatInvalid = 0,
    SpbTransferBufferFormatSimple,
    SpbTransferBufferFormatList,
    SpbTransferBufferFormatSimpleNonPaged,
    SpbTransferBufferFormatMdl,
    SpbTransferBufferFormatMax
} SPB_TRANSFER_BUFFER_FORMAT;

typedef struct SPB_TRANSFER_BUFFER_LIST_ENTRY {
    PVOID Buffer;
    ULONG BufferCb;
} SPB_TRANSFER_BUFFER_LIST_ENTRY, *PSPB_TRANSFER_BUFFER_LIST_ENTRY;

typedef struct SPB_TRANSFER_BUFFER {
    SPB_TRANSFER_BUFFER_FORMAT Format;
    union {
        SPB_TRANSFER_BUFFER_LIST_ENTRY Simple;
        struct {
            PSPB_TRANSFER_BUFFER_LIST_ENTRY List;
            ULONG ListCe;
        } BufferList;
        PMDL Mdl;
    };
} SPB_TRANSFER_BUFFER, *PSPB_TRANSFER_BUFFER;

typedef struct SPB_TRANSFER_LIST_ENTRY {
    SPB_TRANSFER_DIRECTION Direction;
    ULONG DelayInUs;
    SPB_TRANSFER_BUFFER Buffer;
} SPB_TRANSFER_LIST_ENTRY, *PSPB_TRANSFER_LIST_ENTRY;

typedef struct SPB_TRANSFER_LIST {
    ULONG Size;
    ULONG TransferCount;
    SPB_TRANSFER_LIST_ENTRY Transfers[ANYSIZE_ARRAY];
} SPB_TRANSFER_LIST, *PSPB_TRANSFER_LIST;

#define SPB_TRANSFER_LIST_AND_ENTRIES(count) \
    struct {                                 \
        SPB_TRANSFER_LIST List;              \
        SPB_TRANSFER_LIST_ENTRY Entries[(count) - 1]; \
    }

FORCEINLINE VOID SPB_TRANSFER_LIST_INIT(SPB_TRANSFER_LIST *List, ULONG TransferCount)
{
    RtlZeroMemory(List, FIELD_OFFSET(SPB_TRANSFER_LIST, Transfers) + TransferCount * sizeof(SPB_TRANSFER_LIST_ENTRY));
    List->Size = sizeof(SPB_TRANSFER_LIST);
    List->TransferCount = TransferCount;
}

FORCEINLINE SPB_TRANSFER_LIST_ENTRY SPB_TRANSFER_LIST_ENTRY_INIT_SIMPLE(SPB_TRANSFER_DIRECTION Direction, ULONG DelayInUs, PVOID Buffer, ULONG BufferCb)
{
    SPB_TRANSFER_LIST_ENTRY entry;
    RtlZeroMemory(&entry, sizeof entry);
    entry.Direction = Direction;
    entry.DelayInUs = DelayInUs;
    entry.Buffer.Format = SpbTransferBufferFormatSimple;
    entry.Buffer.Simple.Buffer = Buffer;
    entry.Buffer.Simple.BufferCb = BufferCb;
    return entry;
}

#ifdef __cplusplus
}
#endif

#endif

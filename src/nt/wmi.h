/* WMI's structures, as wmistr.h has them. */
#ifndef IRPLAB_NT_WMI_H
#define IRPLAB_NT_WMI_H

#include "nt/types.h"

#include <assert.h>
#include <stddef.h>

typedef struct {
    ULONG BufferSize; /* of all of it, in bytes */
    ULONG ProviderId; /* the low half of the device object's address */
    ULONG Version, Linkage; /* Linkage: offset of the next block in an answer that several devices gave */
    LARGE_INTEGER TimeStamp;
    GUID Guid;
    ULONG ClientContext, Flags;
} WNODE_HEADER;

enum {
    WNODE_FLAG_ALL_DATA = 0x1,
    WNODE_FLAG_SINGLE_INSTANCE = 0x2,
    WNODE_FLAG_SINGLE_ITEM = 0x4,
    WNODE_FLAG_EVENT_ITEM = 0x8,
    WNODE_FLAG_FIXED_INSTANCE_SIZE = 0x10,
    WNODE_FLAG_TOO_SMALL = 0x20,
    WNODE_FLAG_STATIC_INSTANCE_NAMES = 0x80,
    WNODE_FLAG_METHOD_ITEM = 0x8000,
    WNODE_FLAG_PDO_INSTANCE_NAMES = 0x10000,
};

typedef struct {
    WNODE_HEADER WnodeHeader;
    ULONG DataBlockOffset, InstanceCount, OffsetInstanceNameOffsets;
    union {
        ULONG FixedInstanceSize;
        struct {
            ULONG OffsetInstanceData, LengthInstanceData;
        } OffsetInstanceDataAndLength[1];
    };
} WNODE_ALL_DATA;

typedef struct {
    WNODE_HEADER WnodeHeader;
    ULONG OffsetInstanceName, InstanceIndex, DataBlockOffset, SizeDataBlock;
} WNODE_SINGLE_INSTANCE;

typedef struct {
    WNODE_HEADER WnodeHeader;
    ULONG OffsetInstanceName, InstanceIndex;
    ULONG Id; /* ItemId or MethodId */
    ULONG DataBlockOffset, SizeData;
} WNODE_ITEM; /* WNODE_SINGLE_ITEM and WNODE_METHOD_ITEM, which have one form */

typedef struct {
    WNODE_HEADER WnodeHeader;
    ULONG SizeNeeded;
} WNODE_TOO_SMALL;

typedef struct {
    GUID Guid;
    ULONG Flags, InstanceCount;
    ULONG_PTR InstanceInfo; /* a PDO, or an offset from the beginning of WMIREGINFOW */
} WMIREGGUIDW;

typedef struct {
    ULONG BufferSize, NextWmiRegInfo, RegistryPath, MofResourceName, GuidCount;
    WMIREGGUIDW WmiRegGuid[];
} WMIREGINFOW;

enum {
    WMIREG_FLAG_EXPENSIVE = 0x1,
    WMIREG_FLAG_INSTANCE_LIST = 0x4,
    WMIREG_FLAG_INSTANCE_BASENAME = 0x8,
    WMIREG_FLAG_INSTANCE_PDO = 0x20,
    WMIREG_FLAG_EVENT_ONLY_GUID = 0x40,
    WMIREG_FLAG_REMOVE_GUID = 0x10000,
};

enum { WMIREG_ACTION_REGISTER = 1, WMIREG_ACTION_DEREGISTER = 2, WMIREG_ACTION_REREGISTER = 3, WMIREG_ACTION_UPDATE_GUIDS = 4, WMIREG_ACTION_BLOCK_IRPS = 5 };

enum { WMIREGISTER = 0, WMIUPDATE = 1 }; /* DataPath of IRP_MN_REGINFO_EX */

enum { WMIGUID_QUERY = 0x1, WMIGUID_SET = 0x2, WMIGUID_NOTIFICATION = 0x4, WMIGUID_EXECUTE = 0x10 };

static_assert(sizeof(WNODE_HEADER) == 0x30 && offsetof(WNODE_HEADER, Guid) == 0x18 && offsetof(WNODE_HEADER, Flags) == 0x2C, "WNODE_HEADER");
static_assert(sizeof(WNODE_ALL_DATA) == 0x48 && offsetof(WNODE_ALL_DATA, FixedInstanceSize) == 0x3C, "WNODE_ALL_DATA");
static_assert(sizeof(WNODE_SINGLE_INSTANCE) == 0x40 && offsetof(WNODE_SINGLE_INSTANCE, SizeDataBlock) == 0x3C, "WNODE_SINGLE_INSTANCE");
static_assert(offsetof(WNODE_ITEM, SizeData) == 0x40, "WNODE_SINGLE_ITEM");
static_assert(sizeof(WMIREGGUIDW) == 0x20 && offsetof(WMIREGINFOW, WmiRegGuid) == 0x18, "WMIREGINFOW");

#endif

/* I/O manager: IRPs, device, driver and file objects, MDLs, cancel-safe queues, remove locks, constants.
 * Layouts as x64 Windows 10 has them; checked against layouts.tsv. Guest functions are PVOID fields. */
#ifndef IRPLAB_NT_IO_H
#define IRPLAB_NT_IO_H

#include "nt/ex.h"
#include "nt/ke.h"
#include "nt/pnp.h"
#include "nt/po.h"

/* The POINTER_ALIGNMENT of the DDK: a ULONG that begins at a multiple of 8. */
#define NT_PTR_ALIGN __attribute__((aligned(8)))

/* Type field of I/O objects. */
enum { IO_TYPE_ADAPTER = 1, IO_TYPE_CONTROLLER = 2, IO_TYPE_DEVICE = 3, IO_TYPE_DRIVER = 4, IO_TYPE_FILE = 5,
       IO_TYPE_IRP = 6, IO_TYPE_MASTER_ADAPTER = 7, IO_TYPE_OPEN_PACKET = 8, IO_TYPE_TIMER = 9, IO_TYPE_VPB = 10,
       IO_TYPE_ERROR_LOG = 11, IO_TYPE_ERROR_MESSAGE = 12, IO_TYPE_DEVICE_OBJECT_EXTENSION = 13,
       IO_TYPE_CSQ_IRP_CONTEXT = 1, IO_TYPE_CSQ = 2, IO_TYPE_CSQ_EX = 3 };

enum { IRP_MJ_CREATE, IRP_MJ_CREATE_NAMED_PIPE, IRP_MJ_CLOSE, IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_QUERY_INFORMATION,
       IRP_MJ_SET_INFORMATION, IRP_MJ_QUERY_EA, IRP_MJ_SET_EA, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_QUERY_VOLUME_INFORMATION,
       IRP_MJ_SET_VOLUME_INFORMATION, IRP_MJ_DIRECTORY_CONTROL, IRP_MJ_FILE_SYSTEM_CONTROL, IRP_MJ_DEVICE_CONTROL,
       IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_SCSI = IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_SHUTDOWN,
       IRP_MJ_LOCK_CONTROL, IRP_MJ_CLEANUP, IRP_MJ_CREATE_MAILSLOT, IRP_MJ_QUERY_SECURITY, IRP_MJ_SET_SECURITY,
       IRP_MJ_POWER, IRP_MJ_SYSTEM_CONTROL, IRP_MJ_DEVICE_CHANGE, IRP_MJ_QUERY_QUOTA, IRP_MJ_SET_QUOTA, IRP_MJ_PNP,
       IRP_MJ_PNP_POWER = IRP_MJ_PNP, IRP_MJ_MAXIMUM_FUNCTION = IRP_MJ_PNP };

/* Minor codes, by major. IRP_MJ_PNP: */
enum { IRP_MN_START_DEVICE = 0x00, IRP_MN_QUERY_REMOVE_DEVICE = 0x01, IRP_MN_REMOVE_DEVICE = 0x02,
       IRP_MN_CANCEL_REMOVE_DEVICE = 0x03, IRP_MN_STOP_DEVICE = 0x04, IRP_MN_QUERY_STOP_DEVICE = 0x05,
       IRP_MN_CANCEL_STOP_DEVICE = 0x06, IRP_MN_QUERY_DEVICE_RELATIONS = 0x07, IRP_MN_QUERY_INTERFACE = 0x08,
       IRP_MN_QUERY_CAPABILITIES = 0x09, IRP_MN_QUERY_RESOURCES = 0x0A, IRP_MN_QUERY_RESOURCE_REQUIREMENTS = 0x0B,
       IRP_MN_QUERY_DEVICE_TEXT = 0x0C, IRP_MN_FILTER_RESOURCE_REQUIREMENTS = 0x0D, IRP_MN_READ_CONFIG = 0x0F,
       IRP_MN_WRITE_CONFIG = 0x10, IRP_MN_EJECT = 0x11, IRP_MN_SET_LOCK = 0x12, IRP_MN_QUERY_ID = 0x13,
       IRP_MN_QUERY_PNP_DEVICE_STATE = 0x14, IRP_MN_QUERY_BUS_INFORMATION = 0x15,
       IRP_MN_DEVICE_USAGE_NOTIFICATION = 0x16, IRP_MN_SURPRISE_REMOVAL = 0x17,
       IRP_MN_QUERY_LEGACY_BUS_INFORMATION = 0x18, IRP_MN_DEVICE_ENUMERATED = 0x19 };
/* IRP_MJ_POWER: */
enum { IRP_MN_WAIT_WAKE = 0x00, IRP_MN_POWER_SEQUENCE = 0x01, IRP_MN_SET_POWER = 0x02, IRP_MN_QUERY_POWER = 0x03 };
/* IRP_MJ_SYSTEM_CONTROL: */
enum { IRP_MN_QUERY_ALL_DATA = 0x00, IRP_MN_QUERY_SINGLE_INSTANCE = 0x01, IRP_MN_CHANGE_SINGLE_INSTANCE = 0x02,
       IRP_MN_CHANGE_SINGLE_ITEM = 0x03, IRP_MN_ENABLE_EVENTS = 0x04, IRP_MN_DISABLE_EVENTS = 0x05,
       IRP_MN_ENABLE_COLLECTION = 0x06, IRP_MN_DISABLE_COLLECTION = 0x07, IRP_MN_REGINFO = 0x08,
       IRP_MN_EXECUTE_METHOD = 0x09, IRP_MN_REGINFO_EX = 0x0B };
/* IRP_MJ_DIRECTORY_CONTROL, IRP_MJ_FILE_SYSTEM_CONTROL, IRP_MJ_LOCK_CONTROL, IRP_MJ_FLUSH_BUFFERS: */
enum { IRP_MN_QUERY_DIRECTORY = 0x01, IRP_MN_NOTIFY_CHANGE_DIRECTORY = 0x02, IRP_MN_NOTIFY_CHANGE_DIRECTORY_EX = 0x03,
       IRP_MN_USER_FS_REQUEST = 0x00, IRP_MN_MOUNT_VOLUME = 0x01, IRP_MN_VERIFY_VOLUME = 0x02,
       IRP_MN_LOAD_FILE_SYSTEM = 0x03, IRP_MN_KERNEL_CALL = 0x04, IRP_MN_LOCK = 0x01, IRP_MN_UNLOCK_SINGLE = 0x02,
       IRP_MN_UNLOCK_ALL = 0x03, IRP_MN_UNLOCK_ALL_BY_KEY = 0x04, IRP_MN_FLUSH_AND_PURGE = 0x01,
       IRP_MN_FLUSH_DATA_ONLY = 0x02, IRP_MN_FLUSH_NO_SYNC = 0x03, IRP_MN_FLUSH_DATA_SYNC_ONLY = 0x04 };
/* IRP_MJ_READ and IRP_MJ_WRITE of file systems; IRP_MJ_SCSI: */
enum { IRP_MN_NORMAL = 0x00, IRP_MN_DPC = 0x01, IRP_MN_MDL = 0x02, IRP_MN_COMPLETE = 0x04, IRP_MN_COMPRESSED = 0x08,
       IRP_MN_SCSI_CLASS = 0x01 };

/* IRP.Flags */
enum { IRP_NOCACHE = 0x1, IRP_PAGING_IO = 0x2, IRP_MOUNT_COMPLETION = 0x2, IRP_SYNCHRONOUS_API = 0x4,
       IRP_ASSOCIATED_IRP = 0x8, IRP_BUFFERED_IO = 0x10, IRP_DEALLOCATE_BUFFER = 0x20, IRP_INPUT_OPERATION = 0x40,
       IRP_SYNCHRONOUS_PAGING_IO = 0x40, IRP_CREATE_OPERATION = 0x80, IRP_READ_OPERATION = 0x100,
       IRP_WRITE_OPERATION = 0x200, IRP_CLOSE_OPERATION = 0x400, IRP_DEFER_IO_COMPLETION = 0x800,
       IRP_OB_QUERY_NAME = 0x1000, IRP_HOLD_DEVICE_QUEUE = 0x2000, IRP_RETRY_IO_COMPLETION = 0x4000,
       IRP_CLASS_CACHE_OPERATION = 0x8000, IRP_UM_DRIVER_INITIATED_IO = 0x400000 };

/* IRP.AllocationFlags */
enum { IRP_QUOTA_CHARGED = 0x01, IRP_ALLOCATED_MUST_SUCCEED = 0x02, IRP_ALLOCATED_FIXED_SIZE = 0x04,
       IRP_LOOKASIDE_ALLOCATION = 0x08 };

/* IO_STACK_LOCATION.Control */
enum { SL_PENDING_RETURNED = 0x01, SL_ERROR_RETURNED = 0x02, SL_INVOKE_ON_CANCEL = 0x20, SL_INVOKE_ON_SUCCESS = 0x40,
       SL_INVOKE_ON_ERROR = 0x80 };
/* IO_STACK_LOCATION.Flags, by major function */
enum { SL_FORCE_ACCESS_CHECK = 0x01, SL_OPEN_PAGING_FILE = 0x02, SL_OPEN_TARGET_DIRECTORY = 0x04,
       SL_STOP_ON_SYMLINK = 0x08, SL_CASE_SENSITIVE = 0x80, SL_KEY_SPECIFIED = 0x01,
       SL_OVERRIDE_VERIFY_VOLUME = 0x02, SL_WRITE_THROUGH = 0x04, SL_FT_SEQUENTIAL_WRITE = 0x08,
       SL_FORCE_DIRECT_WRITE = 0x10, SL_REALTIME_STREAM = 0x20, SL_READ_ACCESS_GRANTED = 0x01,
       SL_WRITE_ACCESS_GRANTED = 0x04, SL_FAIL_IMMEDIATELY = 0x01, SL_EXCLUSIVE_LOCK = 0x02, SL_RESTART_SCAN = 0x01,
       SL_RETURN_SINGLE_ENTRY = 0x02, SL_INDEX_SPECIFIED = 0x04, SL_WATCH_TREE = 0x01, SL_ALLOW_RAW_MOUNT = 0x01 };

/* DEVICE_OBJECT.Flags */
enum { DO_UNLOAD_PENDING = 0x1, DO_VERIFY_VOLUME = 0x2, DO_BUFFERED_IO = 0x4, DO_EXCLUSIVE = 0x8, DO_DIRECT_IO = 0x10,
       DO_MAP_IO_BUFFER = 0x20, DO_DEVICE_HAS_NAME = 0x40, DO_DEVICE_INITIALIZING = 0x80,
       DO_SYSTEM_BOOT_PARTITION = 0x100, DO_LONG_TERM_REQUESTS = 0x200, DO_NEVER_LAST_DEVICE = 0x400,
       DO_SHUTDOWN_REGISTERED = 0x800, DO_BUS_ENUMERATED_DEVICE = 0x1000, DO_POWER_PAGABLE = 0x2000,
       DO_POWER_INRUSH = 0x4000, DO_POWER_NOOP = 0x8000, DO_LOW_PRIORITY_FILESYSTEM = 0x10000,
       DO_XIP = 0x20000, DO_SUPPORTS_TRANSACTIONS = 0x40000, DO_FORCE_NEITHER_IO = 0x80000,
       DO_VOLUME_DEVICE_OBJECT = 0x100000, DO_SYSTEM_SYSTEM_PARTITION = 0x200000,
       DO_SYSTEM_CRITICAL_PARTITION = 0x400000, DO_DISALLOW_EXECUTE = 0x800000, DO_DEVICE_TO_BE_RESET = 0x4000000,
       DO_DEVICE_IRP_REQUIRES_EXTENSION = 0x8000000, DO_DAX_VOLUME = 0x10000000, DO_BOOT_CRITICAL = 0x20000000 };

/* DEVOBJ_EXTENSION.ExtensionFlags */
enum { DOE_UNLOAD_PENDING = 0x1, DOE_DELETE_PENDING = 0x2, DOE_REMOVE_PENDING = 0x4, DOE_REMOVE_PROCESSED = 0x8,
       DOE_START_PENDING = 0x10, DOE_DEFAULT_SD_PRESENT = 0x800 };

/* DRIVER_OBJECT.Flags */
enum { DRVO_UNLOAD_INVOKED = 0x1, DRVO_LEGACY_DRIVER = 0x2, DRVO_BUILTIN_DRIVER = 0x4, DRVO_REINIT_REGISTERED = 0x8,
       DRVO_INITIALIZED = 0x10, DRVO_BOOTREINIT_REGISTERED = 0x20, DRVO_LEGACY_RESOURCES = 0x40,
       DRVO_VERIFIER_ENABLED = 0x100 };

/* FILE_OBJECT.Flags */
enum { FO_FILE_OPEN = 0x1, FO_SYNCHRONOUS_IO = 0x2, FO_ALERTABLE_IO = 0x4, FO_NO_INTERMEDIATE_BUFFERING = 0x8,
       FO_WRITE_THROUGH = 0x10, FO_SEQUENTIAL_ONLY = 0x20, FO_CACHE_SUPPORTED = 0x40, FO_NAMED_PIPE = 0x80,
       FO_STREAM_FILE = 0x100, FO_MAILSLOT = 0x200, FO_GENERATE_AUDIT_ON_CLOSE = 0x400, FO_QUEUE_IRP_TO_THREAD = 0x400,
       FO_DIRECT_DEVICE_OPEN = 0x800, FO_FILE_MODIFIED = 0x1000, FO_FILE_SIZE_CHANGED = 0x2000,
       FO_CLEANUP_COMPLETE = 0x4000, FO_TEMPORARY_FILE = 0x8000, FO_DELETE_ON_CLOSE = 0x10000,
       FO_OPENED_CASE_SENSITIVE = 0x20000, FO_HANDLE_CREATED = 0x40000, FO_FILE_FAST_IO_READ = 0x80000,
       FO_RANDOM_ACCESS = 0x100000, FO_FILE_OPEN_CANCELLED = 0x200000, FO_VOLUME_OPEN = 0x400000,
       FO_BYPASS_IO_ENABLED = 0x800000, FO_REMOTE_ORIGIN = 0x1000000, FO_DISALLOW_EXCLUSIVE = 0x2000000,
       FO_SKIP_COMPLETION_PORT = 0x2000000, FO_SKIP_SET_EVENT = 0x4000000, FO_SKIP_SET_FAST_IO = 0x8000000,
       FO_INDIRECT_WAIT_OBJECT = 0x10000000, FO_SECTION_MINSTORE_TREATMENT = 0x20000000 };

/* MDL.MdlFlags */
enum { MDL_MAPPED_TO_SYSTEM_VA = 0x1, MDL_PAGES_LOCKED = 0x2, MDL_SOURCE_IS_NONPAGED_POOL = 0x4,
       MDL_ALLOCATED_FIXED_SIZE = 0x8, MDL_PARTIAL = 0x10, MDL_PARTIAL_HAS_BEEN_MAPPED = 0x20, MDL_IO_PAGE_READ = 0x40,
       MDL_WRITE_OPERATION = 0x80, MDL_LOCKED_PAGE_TABLES = 0x100, MDL_PARENT_MAPPED_SYSTEM_VA = 0x100,
       MDL_FREE_EXTRA_PTES = 0x200, MDL_DESCRIBES_AWE = 0x400, MDL_IO_SPACE = 0x800, MDL_NETWORK_HEADER = 0x1000,
       MDL_MAPPING_CAN_FAIL = 0x2000, MDL_PAGE_CONTENTS_INVARIANT = 0x4000, MDL_INTERNAL = 0x8000 };

/* Create disposition, options, attributes, sharing, Information of a create. */
enum { FILE_SUPERSEDE, FILE_OPEN, FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE, FILE_OVERWRITE_IF,
       FILE_MAXIMUM_DISPOSITION = FILE_OVERWRITE_IF };
enum { FILE_SUPERSEDED, FILE_OPENED, FILE_CREATED, FILE_OVERWRITTEN, FILE_EXISTS, FILE_DOES_NOT_EXIST };
enum { FILE_DIRECTORY_FILE = 0x1, FILE_WRITE_THROUGH = 0x2, FILE_SEQUENTIAL_ONLY = 0x4,
       FILE_NO_INTERMEDIATE_BUFFERING = 0x8, FILE_SYNCHRONOUS_IO_ALERT = 0x10, FILE_SYNCHRONOUS_IO_NONALERT = 0x20,
       FILE_NON_DIRECTORY_FILE = 0x40, FILE_CREATE_TREE_CONNECTION = 0x80, FILE_COMPLETE_IF_OPLOCKED = 0x100,
       FILE_NO_EA_KNOWLEDGE = 0x200, FILE_OPEN_REMOTE_INSTANCE = 0x400, FILE_RANDOM_ACCESS = 0x800,
       FILE_DELETE_ON_CLOSE = 0x1000, FILE_OPEN_BY_FILE_ID = 0x2000, FILE_OPEN_FOR_BACKUP_INTENT = 0x4000,
       FILE_NO_COMPRESSION = 0x8000, FILE_OPEN_REQUIRING_OPLOCK = 0x10000, FILE_DISALLOW_EXCLUSIVE = 0x20000,
       FILE_RESERVE_OPFILTER = 0x100000, FILE_OPEN_REPARSE_POINT = 0x200000, FILE_OPEN_NO_RECALL = 0x400000,
       FILE_OPEN_FOR_FREE_SPACE_QUERY = 0x800000, FILE_VALID_OPTION_FLAGS = 0xFFFFFF };
enum { FILE_SHARE_READ = 0x1, FILE_SHARE_WRITE = 0x2, FILE_SHARE_DELETE = 0x4, FILE_SHARE_VALID_FLAGS = 0x7 };
enum { FILE_ATTRIBUTE_READONLY = 0x1, FILE_ATTRIBUTE_HIDDEN = 0x2, FILE_ATTRIBUTE_SYSTEM = 0x4,
       FILE_ATTRIBUTE_DIRECTORY = 0x10, FILE_ATTRIBUTE_ARCHIVE = 0x20, FILE_ATTRIBUTE_DEVICE = 0x40,
       FILE_ATTRIBUTE_NORMAL = 0x80, FILE_ATTRIBUTE_TEMPORARY = 0x100, FILE_ATTRIBUTE_VALID_FLAGS = 0x7FB7 };

/* DEVICE_OBJECT.Characteristics */
enum { FILE_REMOVABLE_MEDIA = 0x1, FILE_READ_ONLY_DEVICE = 0x2, FILE_FLOPPY_DISKETTE = 0x4,
       FILE_WRITE_ONCE_MEDIA = 0x8, FILE_REMOTE_DEVICE = 0x10, FILE_DEVICE_IS_MOUNTED = 0x20,
       FILE_VIRTUAL_VOLUME = 0x40, FILE_AUTOGENERATED_DEVICE_NAME = 0x80, FILE_DEVICE_SECURE_OPEN = 0x100,
       FILE_CHARACTERISTIC_PNP_DEVICE = 0x800, FILE_CHARACTERISTIC_TS_DEVICE = 0x1000,
       FILE_CHARACTERISTIC_WEBDAV_DEVICE = 0x2000, FILE_DEVICE_ALLOW_APPCONTAINER_TRAVERSAL = 0x20000 };

enum { FILE_DEVICE_BEEP = 0x01, FILE_DEVICE_CD_ROM = 0x02, FILE_DEVICE_CD_ROM_FILE_SYSTEM = 0x03,
       FILE_DEVICE_CONTROLLER = 0x04, FILE_DEVICE_DFS = 0x06, FILE_DEVICE_DISK = 0x07,
       FILE_DEVICE_DISK_FILE_SYSTEM = 0x08, FILE_DEVICE_FILE_SYSTEM = 0x09, FILE_DEVICE_KEYBOARD = 0x0B,
       FILE_DEVICE_MAILSLOT = 0x0C, FILE_DEVICE_MOUSE = 0x0F, FILE_DEVICE_NAMED_PIPE = 0x11,
       FILE_DEVICE_NETWORK = 0x12, FILE_DEVICE_NETWORK_FILE_SYSTEM = 0x14, FILE_DEVICE_NULL = 0x15,
       FILE_DEVICE_PARALLEL_PORT = 0x16, FILE_DEVICE_PHYSICAL_NETCARD = 0x17, FILE_DEVICE_PRINTER = 0x18,
       FILE_DEVICE_SCANNER = 0x19, FILE_DEVICE_SERIAL_PORT = 0x1B, FILE_DEVICE_SCREEN = 0x1C, FILE_DEVICE_SOUND = 0x1D,
       FILE_DEVICE_STREAMS = 0x1E, FILE_DEVICE_TAPE = 0x1F, FILE_DEVICE_TRANSPORT = 0x21, FILE_DEVICE_UNKNOWN = 0x22,
       FILE_DEVICE_VIDEO = 0x23, FILE_DEVICE_VIRTUAL_DISK = 0x24, FILE_DEVICE_BATTERY = 0x29,
       FILE_DEVICE_BUS_EXTENDER = 0x2A, FILE_DEVICE_MODEM = 0x2B, FILE_DEVICE_MASS_STORAGE = 0x2D,
       FILE_DEVICE_KS = 0x2F, FILE_DEVICE_SMARTCARD = 0x31, FILE_DEVICE_ACPI = 0x32, FILE_DEVICE_SERENUM = 0x37,
       FILE_DEVICE_BIOMETRIC = 0x44 };

enum { METHOD_BUFFERED = 0, METHOD_IN_DIRECT = 1, METHOD_OUT_DIRECT = 2, METHOD_NEITHER = 3 };
enum { FILE_ANY_ACCESS = 0, FILE_SPECIAL_ACCESS = 0, FILE_READ_ACCESS = 1, FILE_WRITE_ACCESS = 2 };
#define CTL_CODE(type, function, method, access)                                                                       \
    ((ULONG)(((ULONG)(type) << 16) | ((ULONG)(access) << 14) | ((ULONG)(function) << 2) | (ULONG)(method)))
#define METHOD_FROM_CTL_CODE(code) ((code) & 3u)
#define ACCESS_FROM_CTL_CODE(code) (((code) >> 14) & 3u)
#define DEVICE_TYPE_FROM_CTL_CODE(code) ((code) >> 16)

/* Priority boosts of IoCompleteRequest. */
enum { IO_NO_INCREMENT = 0, IO_DISK_INCREMENT = 1, IO_PARALLEL_INCREMENT = 1, IO_CD_ROM_INCREMENT = 1,
       IO_VIDEO_INCREMENT = 1, IO_SERIAL_INCREMENT = 2, IO_NETWORK_INCREMENT = 2, IO_NAMED_PIPE_INCREMENT = 2,
       IO_MAILSLOT_INCREMENT = 2, IO_MOUSE_INCREMENT = 6, IO_KEYBOARD_INCREMENT = 6, IO_SOUND_INCREMENT = 8,
       EVENT_INCREMENT = 1, SEMAPHORE_INCREMENT = 1 };

typedef struct IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    ULONG_PTR Information;
} IO_STATUS_BLOCK;

typedef struct IO_SECURITY_CONTEXT {
    PVOID SecurityQos;
    PVOID AccessState;
    ACCESS_MASK DesiredAccess;
    ULONG FullCreateOptions;
} IO_SECURITY_CONTEXT;

typedef struct SHARE_ACCESS {
    ULONG OpenCount;
    ULONG Readers;
    ULONG Writers;
    ULONG Deleters;
    ULONG SharedRead;
    ULONG SharedWrite;
    ULONG SharedDelete;
} SHARE_ACCESS;

typedef struct MDL {
    struct MDL *Next;
    CSHORT Size;
    CSHORT MdlFlags;
    struct EPROCESS *Process;
    PVOID MappedSystemVa;
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset;
    /* page frame numbers (8 bytes each) follow */
} MDL;

typedef struct IO_STACK_LOCATION {
    UCHAR MajorFunction;
    UCHAR MinorFunction;
    UCHAR Flags;
    UCHAR Control;
    union {
        struct {
            IO_SECURITY_CONTEXT *SecurityContext;
            ULONG Options; /* disposition in the high 8 bits */
            USHORT FileAttributes NT_PTR_ALIGN;
            USHORT ShareAccess;
            ULONG EaLength NT_PTR_ALIGN;
        } Create;
        struct {
            IO_SECURITY_CONTEXT *SecurityContext;
            ULONG Options;
            USHORT Reserved NT_PTR_ALIGN;
            USHORT ShareAccess;
            PVOID Parameters;
        } CreatePipe, CreateMailslot;
        struct {
            ULONG Length;
            ULONG Key NT_PTR_ALIGN;
            ULONG Flags;
            LARGE_INTEGER ByteOffset;
        } Read, Write;
        struct {
            ULONG Length;
            UNICODE_STRING *FileName;
            ULONG FileInformationClass;
            ULONG FileIndex NT_PTR_ALIGN;
        } QueryDirectory;
        struct {
            ULONG Length;
            ULONG CompletionFilter NT_PTR_ALIGN;
        } NotifyDirectory;
        struct {
            ULONG Length;
            ULONG FileInformationClass NT_PTR_ALIGN;
        } QueryFile;
        struct {
            ULONG Length;
            ULONG FileInformationClass NT_PTR_ALIGN;
            struct FILE_OBJECT *FileObject;
            union {
                struct {
                    BOOLEAN ReplaceIfExists;
                    BOOLEAN AdvanceOnly;
                };
                ULONG ClusterCount;
                HANDLE DeleteHandle;
            };
        } SetFile;
        struct {
            ULONG Length;
            PVOID EaList;
            ULONG EaListLength;
            ULONG EaIndex NT_PTR_ALIGN;
        } QueryEa;
        struct {
            ULONG Length;
        } SetEa;
        struct {
            ULONG Length;
            ULONG FsInformationClass NT_PTR_ALIGN;
        } QueryVolume, SetVolume;
        struct {
            ULONG OutputBufferLength;
            ULONG InputBufferLength NT_PTR_ALIGN;
            ULONG FsControlCode NT_PTR_ALIGN;
            PVOID Type3InputBuffer;
        } FileSystemControl;
        struct {
            LARGE_INTEGER *Length;
            ULONG Key NT_PTR_ALIGN;
            LARGE_INTEGER ByteOffset;
        } LockControl;
        struct {
            ULONG OutputBufferLength;
            ULONG InputBufferLength NT_PTR_ALIGN;
            ULONG IoControlCode NT_PTR_ALIGN;
            PVOID Type3InputBuffer;
        } DeviceIoControl;
        struct {
            ULONG SecurityInformation;
            ULONG Length NT_PTR_ALIGN;
        } QuerySecurity;
        struct {
            ULONG SecurityInformation;
            PVOID SecurityDescriptor;
        } SetSecurity;
        struct {
            struct VPB *Vpb;
            struct DEVICE_OBJECT *DeviceObject;
        } MountVolume, VerifyVolume;
        struct {
            PVOID Srb;
        } Scsi;
        struct {
            ULONG Length;
            PVOID StartSid;
            PVOID SidList;
            ULONG SidListLength;
        } QueryQuota;
        struct {
            ULONG Length;
        } SetQuota;
        struct {
            DEVICE_RELATION_TYPE Type;
        } QueryDeviceRelations;
        struct {
            const GUID *InterfaceType;
            USHORT Size;
            USHORT Version;
            INTERFACE *Interface;
            PVOID InterfaceSpecificData;
        } QueryInterface;
        struct {
            DEVICE_CAPABILITIES *Capabilities;
        } DeviceCapabilities;
        struct {
            IO_RESOURCE_REQUIREMENTS_LIST *IoResourceRequirementList;
        } FilterResourceRequirements;
        struct {
            ULONG WhichSpace;
            PVOID Buffer;
            ULONG Offset;
            ULONG Length NT_PTR_ALIGN;
        } ReadWriteConfig;
        struct {
            BOOLEAN Lock;
        } SetLock;
        struct {
            BUS_QUERY_ID_TYPE IdType;
        } QueryId;
        struct {
            DEVICE_TEXT_TYPE DeviceTextType;
            ULONG LocaleId NT_PTR_ALIGN;
        } QueryDeviceText;
        struct {
            BOOLEAN InPath;
            BOOLEAN Reserved[3];
            DEVICE_USAGE_NOTIFICATION_TYPE Type NT_PTR_ALIGN;
        } UsageNotification;
        struct {
            SYSTEM_POWER_STATE PowerState;
        } WaitWake;
        struct {
            POWER_SEQUENCE *PowerSequence;
        } PowerSequence;
        struct {
            union {
                ULONG SystemContext;
                SYSTEM_POWER_STATE_CONTEXT SystemPowerStateContext;
            };
            POWER_STATE_TYPE Type NT_PTR_ALIGN;
            POWER_STATE State NT_PTR_ALIGN;
            POWER_ACTION ShutdownType NT_PTR_ALIGN;
        } Power;
        struct {
            CM_RESOURCE_LIST *AllocatedResources;
            CM_RESOURCE_LIST *AllocatedResourcesTranslated;
        } StartDevice;
        struct {
            ULONG_PTR ProviderId;
            PVOID DataPath;
            ULONG BufferSize;
            PVOID Buffer;
        } WMI;
        struct {
            PVOID Argument1;
            PVOID Argument2;
            PVOID Argument3;
            PVOID Argument4;
        } Others;
    } Parameters;
    struct DEVICE_OBJECT *DeviceObject;
    struct FILE_OBJECT *FileObject;
    PVOID CompletionRoutine;
    PVOID Context;
} IO_STACK_LOCATION;

typedef struct IRP {
    CSHORT Type;
    USHORT Size;
    USHORT AllocationProcessorNumber;
    USHORT Reserved;
    MDL *MdlAddress;
    ULONG Flags;
    union {
        struct IRP *MasterIrp;
        volatile LONG IrpCount;
        PVOID SystemBuffer;
    } AssociatedIrp;
    LIST_ENTRY ThreadListEntry;
    IO_STATUS_BLOCK IoStatus;
    KPROCESSOR_MODE RequestorMode;
    BOOLEAN PendingReturned;
    CHAR StackCount;
    CHAR CurrentLocation;
    BOOLEAN Cancel;
    KIRQL CancelIrql;
    CCHAR ApcEnvironment;
    UCHAR AllocationFlags;
    IO_STATUS_BLOCK *UserIosb;
    KEVENT *UserEvent;
    union {
        struct {
            union {
                PVOID UserApcRoutine;
                PVOID IssuingProcess;
            };
            PVOID UserApcContext;
        } AsynchronousParameters;
        LARGE_INTEGER AllocationSize;
    } Overlay;
    volatile PVOID CancelRoutine;
    PVOID UserBuffer;
    union {
        struct {
            union {
                KDEVICE_QUEUE_ENTRY DeviceQueueEntry;
                PVOID DriverContext[4];
            };
            struct ETHREAD *Thread;
            CHAR *AuxiliaryBuffer;
            LIST_ENTRY ListEntry;
            union {
                IO_STACK_LOCATION *CurrentStackLocation;
                ULONG PacketType;
            };
            struct FILE_OBJECT *OriginalFileObject;
            PVOID IrpExtension;
        } Overlay;
        KAPC Apc;
        PVOID CompletionKey;
    } Tail;
} IRP;

typedef struct WAIT_CONTEXT_BLOCK {
    union {
        KDEVICE_QUEUE_ENTRY WaitQueueEntry;
        struct {
            LIST_ENTRY DmaWaitEntry;
            ULONG NumberOfChannels;
            ULONG SyncCallback : 1;
            ULONG DmaContext : 1;
            ULONG ZeroMapRegisters : 1;
            ULONG Reserved : 9;
            ULONG NumberOfRemapPages : 20;
        };
    };
    PVOID DeviceRoutine;
    PVOID DeviceContext;
    ULONG NumberOfMapRegisters;
    PVOID DeviceObject;
    PVOID CurrentIrp;
    KDPC *BufferChainingDpc;
} WAIT_CONTEXT_BLOCK;

typedef struct VPB {
    CSHORT Type;
    CSHORT Size;
    USHORT Flags;
    USHORT VolumeLabelLength;
    struct DEVICE_OBJECT *DeviceObject;
    struct DEVICE_OBJECT *RealDevice;
    ULONG SerialNumber;
    ULONG ReferenceCount;
    WCHAR VolumeLabel[32];
} VPB;

enum { VPB_MOUNTED = 0x1, VPB_LOCKED = 0x2, VPB_PERSISTENT = 0x4, VPB_REMOVE_PENDING = 0x8, VPB_RAW_MOUNT = 0x10,
       VPB_DIRECT_WRITES_ALLOWED = 0x20 };

/* 0x150 bytes as on Windows, where the declaration is 16-byte aligned; mingw's is 8 bytes shorter. */
typedef struct DEVICE_OBJECT {
    CSHORT Type;
    USHORT Size;
    LONG ReferenceCount;
    struct DRIVER_OBJECT *DriverObject;
    struct DEVICE_OBJECT *NextDevice;
    struct DEVICE_OBJECT *AttachedDevice;
    IRP *CurrentIrp;
    struct IO_TIMER *Timer;
    ULONG Flags;
    ULONG Characteristics;
    volatile PVOID Vpb;
    PVOID DeviceExtension;
    DEVICE_TYPE DeviceType;
    CCHAR StackSize;
    union {
        LIST_ENTRY ListEntry;
        WAIT_CONTEXT_BLOCK Wcb;
    } Queue;
    ULONG AlignmentRequirement;
    KDEVICE_QUEUE DeviceQueue;
    KDPC Dpc;
    ULONG ActiveThreadCount;
    PVOID SecurityDescriptor;
    KEVENT DeviceLock;
    USHORT SectorSize;
    USHORT Spare1;
    struct DEVOBJ_EXTENSION *DeviceObjectExtension;
    PVOID Reserved;
} __attribute__((aligned(16))) DEVICE_OBJECT;

typedef struct DEVOBJ_EXTENSION {
    CSHORT Type;
    USHORT Size;
    DEVICE_OBJECT *DeviceObject;
    ULONG PowerFlags;
    PVOID Dope;
    ULONG ExtensionFlags;
    PVOID DeviceNode;
    DEVICE_OBJECT *AttachedTo;
    LONG StartIoCount;
    LONG StartIoKey;
    ULONG StartIoFlags;
    VPB *Vpb;
    PVOID DependencyNode;
    PVOID InterruptContext;
    LONG InterruptCount;
    PVOID VerifierContext;
} DEVOBJ_EXTENSION;

typedef struct DRIVER_EXTENSION {
    struct DRIVER_OBJECT *DriverObject;
    PVOID AddDevice;
    ULONG Count;
    UNICODE_STRING ServiceKeyName;
} DRIVER_EXTENSION;

typedef struct FAST_IO_DISPATCH {
    ULONG SizeOfFastIoDispatch;
    PVOID FastIoCheckIfPossible;
    PVOID FastIoRead;
    PVOID FastIoWrite;
    PVOID FastIoQueryBasicInfo;
    PVOID FastIoQueryStandardInfo;
    PVOID FastIoLock;
    PVOID FastIoUnlockSingle;
    PVOID FastIoUnlockAll;
    PVOID FastIoUnlockAllByKey;
    PVOID FastIoDeviceControl;
    PVOID AcquireFileForNtCreateSection;
    PVOID ReleaseFileForNtCreateSection;
    PVOID FastIoDetachDevice;
    PVOID FastIoQueryNetworkOpenInfo;
    PVOID AcquireForModWrite;
    PVOID MdlRead;
    PVOID MdlReadComplete;
    PVOID PrepareMdlWrite;
    PVOID MdlWriteComplete;
    PVOID FastIoReadCompressed;
    PVOID FastIoWriteCompressed;
    PVOID MdlReadCompleteCompressed;
    PVOID MdlWriteCompleteCompressed;
    PVOID FastIoQueryOpen;
    PVOID ReleaseForModWrite;
    PVOID AcquireForCcFlush;
    PVOID ReleaseForCcFlush;
} FAST_IO_DISPATCH;

typedef struct DRIVER_OBJECT {
    CSHORT Type;
    CSHORT Size;
    DEVICE_OBJECT *DeviceObject;
    ULONG Flags;
    PVOID DriverStart;
    ULONG DriverSize;
    PVOID DriverSection;
    DRIVER_EXTENSION *DriverExtension;
    UNICODE_STRING DriverName;
    UNICODE_STRING *HardwareDatabase;
    FAST_IO_DISPATCH *FastIoDispatch;
    PVOID DriverInit;
    PVOID DriverStartIo;
    PVOID DriverUnload;
    PVOID MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1];
} DRIVER_OBJECT;

typedef struct SECTION_OBJECT_POINTERS {
    PVOID DataSectionObject;
    PVOID SharedCacheMap;
    PVOID ImageSectionObject;
} SECTION_OBJECT_POINTERS;

typedef struct IO_COMPLETION_CONTEXT {
    PVOID Port;
    PVOID Key;
    LONG_PTR UsageCount;
} IO_COMPLETION_CONTEXT;

typedef struct FILE_OBJECT {
    CSHORT Type;
    CSHORT Size;
    DEVICE_OBJECT *DeviceObject;
    VPB *Vpb;
    PVOID FsContext;
    PVOID FsContext2;
    SECTION_OBJECT_POINTERS *SectionObjectPointer;
    PVOID PrivateCacheMap;
    NTSTATUS FinalStatus;
    struct FILE_OBJECT *RelatedFileObject;
    BOOLEAN LockOperation;
    BOOLEAN DeletePending;
    BOOLEAN ReadAccess;
    BOOLEAN WriteAccess;
    BOOLEAN DeleteAccess;
    BOOLEAN SharedRead;
    BOOLEAN SharedWrite;
    BOOLEAN SharedDelete;
    ULONG Flags;
    UNICODE_STRING FileName;
    LARGE_INTEGER CurrentByteOffset;
    volatile ULONG Waiters;
    volatile ULONG Busy;
    PVOID LastLock;
    KEVENT Lock;
    KEVENT Event;
    IO_COMPLETION_CONTEXT *volatile CompletionContext;
    KSPIN_LOCK IrpListLock;
    LIST_ENTRY IrpList;
    volatile PVOID FileObjectExtension;
} FILE_OBJECT;

typedef struct IO_CSQ {
    ULONG Type; /* IO_TYPE_CSQ or IO_TYPE_CSQ_EX */
    PVOID CsqInsertIrp;
    PVOID CsqRemoveIrp;
    PVOID CsqPeekNextIrp;
    PVOID CsqAcquireLock;
    PVOID CsqReleaseLock;
    PVOID CsqCompleteCanceledIrp;
    PVOID ReservePointer;
} IO_CSQ;

typedef struct IO_CSQ_IRP_CONTEXT {
    ULONG Type;
    IRP *Irp;
    IO_CSQ *Csq;
} IO_CSQ_IRP_CONTEXT;

typedef struct IO_REMOVE_LOCK_TRACKING_BLOCK {
    struct IO_REMOVE_LOCK_TRACKING_BLOCK *Link;
    PVOID Tag;
    LARGE_INTEGER TimeLocked;
    const CHAR *File;
    ULONG Line;
} IO_REMOVE_LOCK_TRACKING_BLOCK;

typedef struct IO_REMOVE_LOCK_COMMON_BLOCK {
    BOOLEAN Removed;
    BOOLEAN Reserved[3];
    volatile LONG IoCount;
    KEVENT RemoveEvent;
} IO_REMOVE_LOCK_COMMON_BLOCK;

typedef struct IO_REMOVE_LOCK_DBG_BLOCK {
    LONG Signature;
    ULONG HighWatermark;
    LONGLONG MaxLockedTicks;
    LONG AllocateTag;
    LIST_ENTRY LockList;
    KSPIN_LOCK Spin;
    volatile LONG LowMemoryCount;
    ULONG Reserved1[4];
    PVOID Reserved2;
    IO_REMOVE_LOCK_TRACKING_BLOCK *Blocks;
} IO_REMOVE_LOCK_DBG_BLOCK;

/* The form of free builds; a checked-build driver has IO_REMOVE_LOCK_CHECKED and passes its size. */
typedef struct IO_REMOVE_LOCK {
    IO_REMOVE_LOCK_COMMON_BLOCK Common;
} IO_REMOVE_LOCK;

typedef struct IO_REMOVE_LOCK_CHECKED {
    IO_REMOVE_LOCK_COMMON_BLOCK Common;
    IO_REMOVE_LOCK_DBG_BLOCK Dbg;
} IO_REMOVE_LOCK_CHECKED;

/* Opaque to drivers, who ask IoSizeofWorkItem. GUESS: 0x58 bytes as on Windows 10. */
typedef struct IO_WORKITEM {
    WORK_QUEUE_ITEM WorkItem;
    PVOID Routine;
    PVOID IoObject;
    PVOID Context;
    ULONG Type; /* 1: extended routine (IoQueueWorkItemEx) */
    ULONG QueueType;
    GUID ActivityId;
    PVOID WorkOnBehalfThread;
} IO_WORKITEM;

typedef struct IO_TIMER {
    CSHORT Type;
    CSHORT TimerFlag;
    LIST_ENTRY TimerList;
    PVOID TimerRoutine;
    PVOID Context;
    DEVICE_OBJECT *DeviceObject;
} IO_TIMER;

typedef struct IO_ERROR_LOG_PACKET {
    UCHAR MajorFunctionCode;
    UCHAR RetryCount;
    USHORT DumpDataSize;
    USHORT NumberOfStrings;
    USHORT StringOffset;
    USHORT EventCategory;
    NTSTATUS ErrorCode;
    ULONG UniqueErrorValue;
    NTSTATUS FinalStatus;
    ULONG SequenceNumber;
    ULONG IoControlCode;
    LARGE_INTEGER DeviceOffset;
    ULONG DumpData[1];
} IO_ERROR_LOG_PACKET;

enum { IO_ERROR_LOG_MESSAGE_HEADER_BYTES = 0x30, ERROR_LOG_MAXIMUM_SIZE = 240 };

#endif

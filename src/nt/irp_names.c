/* Names of major and minor functions. */
#include "nt/irp_names.h"

#include "nt/io.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const majors[] = {
    "IRP_MJ_CREATE", "IRP_MJ_CREATE_NAMED_PIPE", "IRP_MJ_CLOSE", "IRP_MJ_READ", "IRP_MJ_WRITE",
    "IRP_MJ_QUERY_INFORMATION", "IRP_MJ_SET_INFORMATION", "IRP_MJ_QUERY_EA", "IRP_MJ_SET_EA", "IRP_MJ_FLUSH_BUFFERS",
    "IRP_MJ_QUERY_VOLUME_INFORMATION", "IRP_MJ_SET_VOLUME_INFORMATION", "IRP_MJ_DIRECTORY_CONTROL",
    "IRP_MJ_FILE_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CONTROL", "IRP_MJ_INTERNAL_DEVICE_CONTROL", "IRP_MJ_SHUTDOWN",
    "IRP_MJ_LOCK_CONTROL", "IRP_MJ_CLEANUP", "IRP_MJ_CREATE_MAILSLOT", "IRP_MJ_QUERY_SECURITY",
    "IRP_MJ_SET_SECURITY", "IRP_MJ_POWER", "IRP_MJ_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CHANGE", "IRP_MJ_QUERY_QUOTA",
    "IRP_MJ_SET_QUOTA", "IRP_MJ_PNP",
};
_Static_assert(COUNT(majors) == IRP_MJ_MAXIMUM_FUNCTION + 1, "one name a major function");

static const char *const pnp[] = {
    "IRP_MN_START_DEVICE", "IRP_MN_QUERY_REMOVE_DEVICE", "IRP_MN_REMOVE_DEVICE", "IRP_MN_CANCEL_REMOVE_DEVICE",
    "IRP_MN_STOP_DEVICE", "IRP_MN_QUERY_STOP_DEVICE", "IRP_MN_CANCEL_STOP_DEVICE", "IRP_MN_QUERY_DEVICE_RELATIONS",
    "IRP_MN_QUERY_INTERFACE", "IRP_MN_QUERY_CAPABILITIES", "IRP_MN_QUERY_RESOURCES",
    "IRP_MN_QUERY_RESOURCE_REQUIREMENTS", "IRP_MN_QUERY_DEVICE_TEXT", "IRP_MN_FILTER_RESOURCE_REQUIREMENTS", "",
    "IRP_MN_READ_CONFIG", "IRP_MN_WRITE_CONFIG", "IRP_MN_EJECT", "IRP_MN_SET_LOCK", "IRP_MN_QUERY_ID",
    "IRP_MN_QUERY_PNP_DEVICE_STATE", "IRP_MN_QUERY_BUS_INFORMATION", "IRP_MN_DEVICE_USAGE_NOTIFICATION",
    "IRP_MN_SURPRISE_REMOVAL", "IRP_MN_QUERY_LEGACY_BUS_INFORMATION", "IRP_MN_DEVICE_ENUMERATED",
};
static const char *const power[] = {"IRP_MN_WAIT_WAKE", "IRP_MN_POWER_SEQUENCE", "IRP_MN_SET_POWER",
                                    "IRP_MN_QUERY_POWER"};
static const char *const wmi[] = {
    "IRP_MN_QUERY_ALL_DATA", "IRP_MN_QUERY_SINGLE_INSTANCE", "IRP_MN_CHANGE_SINGLE_INSTANCE",
    "IRP_MN_CHANGE_SINGLE_ITEM", "IRP_MN_ENABLE_EVENTS", "IRP_MN_DISABLE_EVENTS", "IRP_MN_ENABLE_COLLECTION",
    "IRP_MN_DISABLE_COLLECTION", "IRP_MN_REGINFO", "IRP_MN_EXECUTE_METHOD", "", "IRP_MN_REGINFO_EX",
};
static const char *const directory[] = {"", "IRP_MN_QUERY_DIRECTORY", "IRP_MN_NOTIFY_CHANGE_DIRECTORY",
                                        "IRP_MN_NOTIFY_CHANGE_DIRECTORY_EX"};
static const char *const file_system[] = {"IRP_MN_USER_FS_REQUEST", "IRP_MN_MOUNT_VOLUME", "IRP_MN_VERIFY_VOLUME",
                                          "IRP_MN_LOAD_FILE_SYSTEM", "IRP_MN_KERNEL_CALL"};
static const char *const lock[] = {"", "IRP_MN_LOCK", "IRP_MN_UNLOCK_SINGLE", "IRP_MN_UNLOCK_ALL",
                                   "IRP_MN_UNLOCK_ALL_BY_KEY"};
static const char *const flush[] = {"", "IRP_MN_FLUSH_AND_PURGE", "IRP_MN_FLUSH_DATA_ONLY", "IRP_MN_FLUSH_NO_SYNC",
                                    "IRP_MN_FLUSH_DATA_SYNC_ONLY"};
/* Bits: DPC 1, MDL 2, COMPLETE 4, COMPRESSED 8. */
static const char *const transfer[] = {
    "IRP_MN_NORMAL", "IRP_MN_DPC", "IRP_MN_MDL", "IRP_MN_MDL_DPC", "IRP_MN_COMPLETE", "", "IRP_MN_COMPLETE_MDL",
    "IRP_MN_COMPLETE_MDL_DPC", "IRP_MN_COMPRESSED",
};
static const char *const scsi[] = {"", "IRP_MN_SCSI_CLASS"};

static const char *pick(const char *const *table, size_t count, UCHAR minor)
{
    return minor < count ? table[minor] : "";
}

const char *nt_major_name(UCHAR major)
{
    return major < COUNT(majors) ? majors[major] : "IRP_MJ_???";
}

const char *nt_minor_name(UCHAR major, UCHAR minor)
{
    switch (major) {
    case IRP_MJ_PNP:
        return pick(pnp, COUNT(pnp), minor);
    case IRP_MJ_POWER:
        return pick(power, COUNT(power), minor);
    case IRP_MJ_SYSTEM_CONTROL:
        return pick(wmi, COUNT(wmi), minor);
    case IRP_MJ_DIRECTORY_CONTROL:
        return pick(directory, COUNT(directory), minor);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        return pick(file_system, COUNT(file_system), minor);
    case IRP_MJ_LOCK_CONTROL:
        return pick(lock, COUNT(lock), minor);
    case IRP_MJ_FLUSH_BUFFERS:
        return pick(flush, COUNT(flush), minor);
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        return pick(transfer, COUNT(transfer), minor);
    case IRP_MJ_SCSI:
        return pick(scsi, COUNT(scsi), minor);
    default:
        return "";
    }
}

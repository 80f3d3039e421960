/* Names of status and error codes, and NTSTATUS to Win32 error.
 * The .def files are sorted by value, so that all three tables are searched by halving. */
#include "nt/status.h"

struct named_code {
    ULONG value;
    const char *name;
};

#define NT_ALIAS(name, value)
#define X(name, value) {(ULONG)(value), #name},
static const struct named_code statuses[] = {
#include "nt/status.def"
};
static const struct named_code errors[] = {
#include "nt/win32_error.def"
};
#undef X
#undef NT_ALIAS

#define X(status, error) {(ULONG)(status), (ULONG)(error)},
static const struct {
    ULONG status;
    ULONG error;
} dos_errors[] = {
#include "nt/status_dos.def"
};
#undef X

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *find_name(const struct named_code *table, size_t count, ULONG value)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (table[middle].value == value)
            return table[middle].name;
        if (table[middle].value < value)
            low = middle + 1;
        else
            count = middle;
    }
    return "unknown";
}

const char *nt_status_name(NTSTATUS status)
{
    return find_name(statuses, COUNT(statuses), (ULONG)status);
}

const char *nt_win32_error_name(ULONG error)
{
    return find_name(errors, COUNT(errors), error);
}

/* Codes that are not NT's own: application defined (bit 29) ones pass through, wrapped Win32 errors are unwrapped. */
static ULONG foreign_status(ULONG status)
{
    ULONG high = status >> 16;
    if (status & 0x20000000u)
        return status;
    if (high == 0x8007 || high == 0xC007 || high == 0xC001)
        return status & 0xFFFF;
    return ERROR_MR_MID_NOT_FOUND;
}

ULONG rtl_nt_status_to_dos_error(NTSTATUS status)
{
    size_t low = 0;
    size_t high = COUNT(dos_errors);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dos_errors[middle].status == (ULONG)status)
            return dos_errors[middle].error;
        if (dos_errors[middle].status < (ULONG)status)
            low = middle + 1;
        else
            high = middle;
    }
    return foreign_status((ULONG)status);
}

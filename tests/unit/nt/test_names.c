/* Codes and their names: the tables are sorted, and the entries that people read every day are right. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nt/bugcheck.h"
#include "nt/io.h"
#include "nt/irp_names.h"
#include "nt/status.h"

extern const int nt_layout_rows_asserted;

#define X(name, value) {#name, (ULONG)(value)},
#define NT_ALIAS(name, value)
static const struct {
    const char *name;
    ULONG value;
} statuses[] = {
#include "nt/status.def"
};
static const struct {
    const char *name;
    ULONG value;
} errors[] = {
#include "nt/win32_error.def"
};
#undef X
#define X(status, error) {(ULONG)(status), (ULONG)(error)},
static const struct {
    ULONG status;
    ULONG error;
} pairs[] = {
#include "nt/status_dos.def"
};
#undef X
#undef NT_ALIAS

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void layout_rows_were_asserted(void **state)
{
    assert_true(nt_layout_rows_asserted > 400);
}

static void every_status_is_found_by_value(void **state)
{
    assert_true(COUNT(statuses) > 900);
    for (size_t i = 0; i < COUNT(statuses); i++)
        assert_string_equal(nt_status_name((NTSTATUS)statuses[i].value), statuses[i].name);
    for (size_t i = 0; i < COUNT(errors); i++)
        assert_string_equal(nt_win32_error_name(errors[i].value), errors[i].name);
    for (size_t i = 0; i < COUNT(pairs); i++)
        assert_int_equal(rtl_nt_status_to_dos_error((NTSTATUS)pairs[i].status), pairs[i].error);
}

static void known_statuses(void **state)
{
    assert_string_equal(nt_status_name((NTSTATUS)0xC0000120), "STATUS_CANCELLED");
    assert_string_equal(nt_status_name(0), "STATUS_SUCCESS");
    assert_string_equal(nt_status_name(0x103), "STATUS_PENDING");
    assert_string_equal(nt_status_name((NTSTATUS)0xC00000D0), "STATUS_REQUEST_NOT_ACCEPTED");
    assert_string_equal(nt_status_name((NTSTATUS)0x40200000), "STATUS_WDF_QUEUED");
    assert_string_equal(nt_status_name((NTSTATUS)0xC0200208), "STATUS_WDF_REQUEST_INVALID_STATE");
    assert_string_equal(nt_status_name((NTSTATUS)0xC0FFEE00), "unknown");
    assert_int_equal(STATUS_WAIT_0, STATUS_SUCCESS);
    assert_true(NT_SUCCESS(STATUS_PENDING));
    assert_false(NT_SUCCESS(STATUS_BUFFER_OVERFLOW));
    assert_true(NT_WARNING(STATUS_BUFFER_OVERFLOW));
    assert_true(NT_ERROR(STATUS_CANCELLED));
    assert_true(NT_INFORMATION(STATUS_WDF_QUEUED));
}

static void known_win32_errors(void **state)
{
    static const struct {
        NTSTATUS status;
        ULONG error;
    } expected[] = {
        {STATUS_SUCCESS, 0}, {STATUS_ACCESS_DENIED, 5}, {STATUS_INVALID_HANDLE, 6}, {STATUS_CANCELLED, 995},
        {STATUS_PENDING, 997}, {STATUS_INVALID_PARAMETER, 87}, {STATUS_NO_SUCH_DEVICE, 2},
        {STATUS_OBJECT_NAME_NOT_FOUND, 2}, {STATUS_OBJECT_PATH_NOT_FOUND, 3}, {STATUS_OBJECT_NAME_COLLISION, 183},
        {STATUS_INVALID_DEVICE_REQUEST, 1}, {STATUS_NOT_SUPPORTED, 50}, {STATUS_BUFFER_TOO_SMALL, 122},
        {STATUS_BUFFER_OVERFLOW, 234}, {STATUS_INSUFFICIENT_RESOURCES, 1450}, {STATUS_NO_MEMORY, 8},
        {STATUS_END_OF_FILE, 38}, {STATUS_SHARING_VIOLATION, 32}, {STATUS_DEVICE_NOT_READY, 21},
        {STATUS_DEVICE_BUSY, 170}, {STATUS_IO_TIMEOUT, 121}, {STATUS_NOT_FOUND, 1168},
        {STATUS_DELETE_PENDING, 5}, {STATUS_INVALID_DEVICE_STATE, 22}, {STATUS_REQUEST_NOT_ACCEPTED, 71},
        {STATUS_UNSUCCESSFUL, 31}, {STATUS_DEVICE_REMOVED, 1617}, {STATUS_IO_DEVICE_ERROR, 1117},
        {STATUS_WDF_BUSY, 317}, {(NTSTATUS)0xC0070005, 5}, {(NTSTATUS)0xE0001234, (ULONG)0xE0001234},
    };
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(rtl_nt_status_to_dos_error(expected[i].status), expected[i].error);
    assert_string_equal(nt_win32_error_name(995), "ERROR_OPERATION_ABORTED");
    assert_string_equal(nt_win32_error_name(123456), "unknown");
}

static void known_bugchecks(void **state)
{
    assert_string_equal(nt_bugcheck_name(0xA), "IRQL_NOT_LESS_OR_EQUAL");
    assert_string_equal(nt_bugcheck_name(0xD1), "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    assert_string_equal(nt_bugcheck_name(0x44), "MULTIPLE_IRP_COMPLETE_REQUESTS");
    assert_string_equal(nt_bugcheck_name(0xC9), "DRIVER_VERIFIER_IOMANAGER_VIOLATION");
    assert_string_equal(nt_bugcheck_name(0x12345678), "unknown");
    assert_string_equal(nt_bugcheck_parameter(0x35, 1), "IRP");
    assert_string_equal(nt_bugcheck_parameter(0x35, 5), "");
    assert_non_null(strstr(nt_bugcheck_reason(0x9F, 3), "power IRP"));
    assert_string_equal(nt_bugcheck_reason(0x9F, 0x77777777), "");
    assert_int_equal(IRQL_NOT_LESS_OR_EQUAL, 0xA);
}

static void major_and_minor_names(void **state)
{
    assert_string_equal(nt_major_name(IRP_MJ_PNP), "IRP_MJ_PNP");
    assert_string_equal(nt_major_name(IRP_MJ_INTERNAL_DEVICE_CONTROL), "IRP_MJ_INTERNAL_DEVICE_CONTROL");
    assert_string_equal(nt_major_name(0x1C), "IRP_MJ_???");
    assert_string_equal(nt_minor_name(IRP_MJ_PNP, IRP_MN_SURPRISE_REMOVAL), "IRP_MN_SURPRISE_REMOVAL");
    assert_string_equal(nt_minor_name(IRP_MJ_POWER, IRP_MN_SET_POWER), "IRP_MN_SET_POWER");
    assert_string_equal(nt_minor_name(IRP_MJ_SYSTEM_CONTROL, IRP_MN_REGINFO_EX), "IRP_MN_REGINFO_EX");
    assert_string_equal(nt_minor_name(IRP_MJ_FILE_SYSTEM_CONTROL, 0), "IRP_MN_USER_FS_REQUEST");
    assert_string_equal(nt_minor_name(IRP_MJ_PNP, 0x0E), "");
    assert_string_equal(nt_minor_name(IRP_MJ_CREATE, 3), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_rows_were_asserted), cmocka_unit_test(every_status_is_found_by_value),
        cmocka_unit_test(known_statuses),            cmocka_unit_test(known_win32_errors),
        cmocka_unit_test(known_bugchecks),           cmocka_unit_test(major_and_minor_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Runs the tests of the driver and those of the program, and counts. The exit code is the number of tests that failed. */
#include "contract_program.h"

#include <string.h>

static const char *running;
static int failures_of_test;

HANDLE contract_open(DWORD flags)
{
    return CreateFileW(CONTRACT_PATH, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                       flags, NULL);
}

void contract_fail(int line, const char *what)
{
    failures_of_test++;
    printf(CONTRACT_NAME "/%s: line %d: %s\n", running, line, what);
}

void contract_fail_values(int line, const char *what, unsigned long long is, unsigned long long expected)
{
    failures_of_test++;
    printf(CONTRACT_NAME "/%s: line %d: %s is 0x%llx, not 0x%llx\n", running, line, what, is, expected);
}

/* The driver's text has a line a failure, without the test's name. */
static void print_lines(char *text)
{
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = 0;
        failures_of_test++;
        printf(CONTRACT_NAME "/%s: driver %s\n", running, line);
        line = end ? end + 1 : line + strlen(line);
    }
}

static const char *driver_test_name(HANDLE device, DWORD number)
{
    static char name[64];
    DWORD bytes = 0;
    running = "?";
    if (!DeviceIoControl(device, IOCTL_CONTRACT_NAME, &number, sizeof number, name, sizeof name, &bytes, NULL))
        contract_fail(__LINE__, "the driver names its test");
    return name;
}

static void run_driver_test(HANDLE device, DWORD number)
{
    static char text[CONTRACT_TEXT];
    DWORD bytes = 0;
    if (!DeviceIoControl(device, IOCTL_CONTRACT(number), NULL, 0, text, sizeof text, &bytes, NULL))
        contract_fail_values(__LINE__, "the test's status", (unsigned long)RtlGetLastNtStatus(), 0);
    else
        print_lines(text);
}

/* All tests, or only those that are named on the command line. With -l alone the names are listed. */
static int wanted(int argc, char **argv, const char *name)
{
    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        printf("%s\n", name);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return 1;
    return argc < 2;
}

int main(int argc, char **argv)
{
    DWORD count = 0, bytes = 0;
    int passed = 0, failed = 0;
    HANDLE device = contract_open(0);
    running = "start";
    if (device == INVALID_HANDLE_VALUE ||
        !DeviceIoControl(device, IOCTL_CONTRACT_COUNT, NULL, 0, &count, sizeof count, &bytes, NULL)) {
        contract_fail_values(__LINE__, "the driver answers: GetLastError()", GetLastError(), 0);
        return 1;
    }
    for (DWORD i = 0; i < count; i++) {
        failures_of_test = 0;
        running = driver_test_name(device, i);
        if (!wanted(argc, argv, running))
            continue;
        run_driver_test(device, i);
        failures_of_test ? failed++ : passed++;
    }
    for (const struct program_test *test = program_tests; test->name; test++) {
        failures_of_test = 0;
        running = test->name;
        if (!wanted(argc, argv, running))
            continue;
        test->run(device);
        failures_of_test ? failed++ : passed++;
    }
    CloseHandle(device);
    printf(CONTRACT_NAME ": %d passed, %d failed\n", passed, failed);
    return failed;
}

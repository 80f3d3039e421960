/* The program's half of a contract test. */
#ifndef CONTRACT_PROGRAM_H
#define CONTRACT_PROGRAM_H

#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include "contract.h"

#define CONTRACT_PATH L"\\\\.\\Contract-" CONTRACT_WIDE(CONTRACT_NAME)

struct program_test {
    const char *name;
    void (*run)(HANDLE device);
};

/* Ended by a test without a name. */
extern const struct program_test program_tests[];

NTSYSAPI LONG NTAPI RtlGetLastNtStatus(void);

HANDLE contract_open(DWORD flags);
void contract_fail(int line, const char *what);
void contract_fail_values(int line, const char *what, unsigned long long is, unsigned long long expected);

#define CHECK(condition) ((condition) ? (void)0 : contract_fail(__LINE__, #condition))
#define CHECK_EQ(is, expected)                                                                     \
    do {                                                                                           \
        unsigned long long is_ = (unsigned long long)(is), expected_ = (unsigned long long)(expected); \
        if (is_ != expected_)                                                                      \
            contract_fail_values(__LINE__, #is, is_, expected_);                                   \
    } while (0)

#endif

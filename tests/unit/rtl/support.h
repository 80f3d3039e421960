/* What rtl's unit tests share: cmocka, string literals, and hooks that count allocations. */
#ifndef IRPLAB_TESTS_RTL_SUPPORT_H
#define IRPLAB_TESTS_RTL_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nt/status.h"
#include "nt/types.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Counted strings from literals: US(u"text"), AS("text"). */
#define US(text) ((UNICODE_STRING){sizeof(text) - 2, sizeof(text), (WCHAR *)(text)})
#define AS(text) ((ANSI_STRING){sizeof(text) - 1, sizeof(text), (CHAR *)(text)})

/* Blocks allocated through ex_pool_alloc and not freed; every test ends at zero. */
extern int live_blocks;
int no_blocks_are_left(void **state);

/* The next allocation fails. */
extern int fail_next_allocation;

/* The last status that was raised, and where to come back to. */
extern NTSTATUS raised;
extern jmp_buf raise_target;

void assert_wide_equal(const WCHAR *have, const WCHAR *want);
void assert_unicode_equal(const UNICODE_STRING *have, const WCHAR *want);

#endif

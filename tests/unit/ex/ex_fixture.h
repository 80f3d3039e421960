/* A machine with the executive and threads whose bodies are host functions. */
#ifndef IRPLAB_TESTS_EX_FIXTURE_H
#define IRPLAB_TESTS_EX_FIXTURE_H

#include <sys/mman.h>

#include "../ke/ke_fixture.h"
#include "ex/ex.h"
#include "ex/work.h"
#include "nt/bugcheck.h"
#include "nt/status.h"

static inline int ex_machine(void **state)
{
    machine_make(2);
    ex_init();
    return 0;
}

/* Puts machine code where guests have theirs and returns its address. */
static inline void *guest_code(const void *bytes, size_t n)
{
    uint64_t at = KERNEL_BASE + 0x3F000000;
    host_protect(at, 0x1000, PROT_READ | PROT_WRITE);
    memcpy((void *)at, bytes, n);
    host_protect(at, 0x1000, PROT_READ | PROT_EXEC);
    return (void *)at;
}

static inline void yield(void)
{
    for (int i = 0; i < 10; i++)
        sim_yield();
}

#endif

/* OVERLAPPED as guests have it. */
#ifndef IRPLAB_WIN32_OVERLAPPED_H
#define IRPLAB_WIN32_OVERLAPPED_H

#include <stdint.h>

struct overlapped {
    uint64_t internal, internal_high; /* an IO_STATUS_BLOCK */
    uint64_t offset;
    uint64_t event; /* handle; low bit set: no completion packet */
};

#endif

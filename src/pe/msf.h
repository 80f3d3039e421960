/* The container of program databases (multi-stream file, "MSF 7.00"): numbered streams scattered over blocks.
 * Private to this room. DOC: "The MSF File Format" (LLVM). Hostile input: every block number and size is checked. */
#ifndef IRPLAB_PE_MSF_H
#define IRPLAB_PE_MSF_H

#include "pe/pe.h"

struct pe_msf {
    int fd;               /* -1: bytes are at `memory` */
    const uint8_t *memory;
    uint64_t size;
    uint32_t block_size;
    uint32_t block_count; /* that lie inside the file */
    uint32_t stream_count;
    uint32_t *directory;  /* count, sizes, then the block lists */
    uint32_t *first;      /* index in `directory` of each stream's block list */
};

enum pe_status pe_msf_open(struct pe_msf *f, const char *path, char *err, size_t errlen);
enum pe_status pe_msf_open_memory(struct pe_msf *f, const void *bytes, size_t size, char *err, size_t errlen);
void pe_msf_close(struct pe_msf *f); /* also after a failed open */

/* 0 for one that does not exist. Never more than the file holds. */
uint32_t pe_msf_size(const struct pe_msf *f, uint32_t stream);

/* False if the range is not inside the stream or cannot be read. */
bool pe_msf_read(const struct pe_msf *f, uint32_t stream, uint32_t offset, uint32_t len, void *to);

#endif

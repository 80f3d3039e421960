#include "pe/msf.h"
#include "base/assert.h"
#include "pe/format.h"
#include "pe/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[32] = "Microsoft C/C++ MSF 7.00\r\n\x1a" "DS\0\0";

struct PE_PACKED superblock {
    char magic[32];
    uint32_t block_size, free_map, block_count, directory_size, unknown, directory_map;
};

enum { NO_STREAM = -1, MAX_DIRECTORY = 0x4000000 };

/* --- bytes --------------------------------------------------------------------------------------------- */

static bool read_at(const struct pe_msf *f, uint64_t offset, size_t len, void *to)
{
    if (offset > f->size || len > f->size - offset)
        return false;
    if (f->fd < 0) {
        memcpy(to, f->memory + offset, len);
        return true;
    }
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(f->fd, (uint8_t *)to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static uint32_t blocks_for(const struct pe_msf *f, uint32_t bytes)
{
    return (uint32_t)(((uint64_t)bytes + f->block_size - 1) / f->block_size);
}

/* `len` bytes at `offset` of what the blocks hold. Neighbours are read together. */
static bool read_blocks(const struct pe_msf *f, const uint32_t *blocks, uint32_t offset, uint32_t len, uint8_t *to)
{
    uint32_t i = offset / f->block_size, skip = offset % f->block_size;
    while (len) {
        uint32_t run = 1;
        while ((uint64_t)run * f->block_size - skip < len && blocks[i + run] == blocks[i] + run)
            run++;
        uint64_t n = (uint64_t)run * f->block_size - skip;
        if (n > len)
            n = len;
        if (blocks[i] >= f->block_count || !read_at(f, (uint64_t)blocks[i] * f->block_size + skip, n, to))
            return false;
        i += run;
        skip = 0;
        to += n;
        len -= (uint32_t)n;
    }
    return true;
}

/* --- directory ----------------------------------------------------------------------------------------- */

static enum pe_status check_superblock(struct pe_msf *f, const struct superblock *sb, char *err, size_t errlen)
{
    if (memcmp(sb->magic, magic, sizeof magic) != 0)
        return pe_bad(err, errlen, "not a program database (no MSF 7.00 header)");
    uint32_t bs = sb->block_size;
    if (bs < 512 || bs > 65536 || (bs & (bs - 1)))
        return pe_bad(err, errlen, "program database has a bad block size 0x%x", bs);
    f->block_size = bs;
    uint64_t whole = f->size / bs;
    f->block_count = whole < sb->block_count ? (uint32_t)whole : sb->block_count;
    if (sb->directory_size < 4 || sb->directory_size > MAX_DIRECTORY || sb->directory_size > f->size)
        return pe_bad(err, errlen, "program database has a bad directory size 0x%x", sb->directory_size);
    return PE_OK;
}

static bool read_directory(struct pe_msf *f, const struct superblock *sb)
{
    uint32_t n = blocks_for(f, sb->directory_size);
    uint32_t *map = malloc((size_t)n * 4);
    f->directory = malloc((size_t)sb->directory_size + 4);
    bool ok = map && f->directory && read_at(f, (uint64_t)sb->directory_map * f->block_size, (size_t)n * 4, map) &&
              read_blocks(f, map, 0, sb->directory_size, (uint8_t *)f->directory);
    free(map);
    return ok;
}

/* Where each stream's list of blocks begins; they follow each other after the sizes. */
static bool index_streams(struct pe_msf *f, uint32_t words)
{
    uint32_t count = f->directory[0];
    if (count > words - 1)
        return false;
    f->first = malloc((size_t)count * 4 + 4);
    if (!f->first)
        return false;
    uint64_t at = 1 + (uint64_t)count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *size = &f->directory[1 + i];
        if (*size == (uint32_t)NO_STREAM)
            *size = 0;
        f->first[i] = (uint32_t)at;
        at += blocks_for(f, *size);
        if (at > words || *size > f->size)
            return false;
    }
    f->stream_count = count;
    return true;
}

static enum pe_status open_container(struct pe_msf *f, char *err, size_t errlen)
{
    struct superblock sb;
    if (!read_at(f, 0, sizeof sb, &sb))
        return pe_bad(err, errlen, "program database is truncated");
    enum pe_status st = check_superblock(f, &sb, err, errlen);
    if (st != PE_OK)
        return st;
    if (!read_directory(f, &sb) || !index_streams(f, sb.directory_size / 4))
        return pe_bad(err, errlen, "program database has a damaged directory");
    return PE_OK;
}

/* --- the interface --------------------------------------------------------------------------------------- */

enum pe_status pe_msf_open(struct pe_msf *f, const char *path, char *err, size_t errlen)
{
    memset(f, 0, sizeof *f);
    struct stat sb;
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0 || fstat(f->fd, &sb) != 0)
        return pe_bad(err, errlen, "%s", strerror(errno));
    if (!S_ISREG(sb.st_mode))
        return pe_bad(err, errlen, "not a regular file");
    f->size = (uint64_t)sb.st_size;
    return open_container(f, err, errlen);
}

enum pe_status pe_msf_open_memory(struct pe_msf *f, const void *bytes, size_t size, char *err, size_t errlen)
{
    memset(f, 0, sizeof *f);
    f->fd = -1;
    f->memory = bytes;
    f->size = size;
    return open_container(f, err, errlen);
}

void pe_msf_close(struct pe_msf *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->directory);
    free(f->first);
    memset(f, 0, sizeof *f);
    f->fd = -1;
}

uint32_t pe_msf_size(const struct pe_msf *f, uint32_t stream)
{
    return stream < f->stream_count ? f->directory[1 + stream] : 0;
}

bool pe_msf_read(const struct pe_msf *f, uint32_t stream, uint32_t offset, uint32_t len, void *to)
{
    uint32_t size = pe_msf_size(f, stream);
    if (offset > size || len > size - offset)
        return false;
    return len == 0 || read_blocks(f, f->directory + f->first[stream], offset, len, to);
}

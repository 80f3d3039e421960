/* Opening an image: the file's bytes, and the validation of its headers.
 *
 * Everything that pe_map and the accessors rely on is established here, once: headers inside the file,
 * sections ascending and inside SizeOfImage, their data inside the file, used directories inside the image. */
#include "base/assert.h"
#include "pe/file.h"
#include "pe/format.h"
#include "pe/pe.h"
#include "pe/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_IMAGE 0x80000000u /* DOC: "PE Format": an image is at most 2 GB */

struct reader { /* of one pe_open_memory */
    struct pe_image *img;
    char *err;
    size_t errlen;
};

#define REFUSE(r, ...) pe_bad((r)->err, (r)->errlen, __VA_ARGS__)

static const void *file_at(const struct pe_image *img, uint64_t offset, uint64_t len)
{
    if (offset > img->file_size || len > img->file_size - offset)
        return NULL;
    return img->file + offset;
}

static uint64_t round_up(uint64_t n, uint32_t to)
{
    return (n + to - 1) / to * to;
}

/* --- what else it may be ----------------------------------------------------------------------------- */

static const char *foreign_format(const uint8_t *p, size_t n)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *what;
    } known[] = {
        { "\x7f" "ELF", 4, "ELF file" },
        { "#!", 2, "script" },
        { "!<arch>\n", 8, "library or archive" },
        { "Microsoft C/C++ MSF", 19, "program database" },
        { "PAGEDU64", 8, "kernel dump" },
        { "MDMP", 4, "minidump" },
        { "PK\x03\x04", 4, "zip archive" },
        { "\x1f\x8b", 2, "gzip file" },
        { "MSCF", 4, "cabinet" },
        { "\x64\x86", 2, "object file, not linked" },
        { "\x4c\x01", 2, "32-bit object file, not linked" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= known[i].len && memcmp(p, known[i].magic, known[i].len) == 0)
            return known[i].what;
    return "no MZ header";
}

static enum pe_status refuse_old_program(struct reader *r, uint32_t offset)
{
    const uint8_t *p = file_at(r->img, offset, 2);
    if (p && memcmp(p, "NE", 2) == 0)
        return REFUSE(r, "16-bit image (NE), need PE32+ x64");
    if (p && (memcmp(p, "LE", 2) == 0 || memcmp(p, "LX", 2) == 0))
        return REFUSE(r, "VxD or OS/2 image (%.2s), need PE32+ x64", (const char *)p);
    return REFUSE(r, "not a PE image (DOS program without a PE header)");
}

/* --- headers ------------------------------------------------------------------------------------------ */

static enum pe_status find_headers(struct reader *r)
{
    struct pe_image *img = r->img;
    if (img->file_size == 0)
        return REFUSE(r, "empty file");
    if (img->file_size < 2 || memcmp(img->file, "MZ", 2) != 0)
        return REFUSE(r, "not a PE image (%s)", foreign_format(img->file, img->file_size));
    if (!file_at(img, 0, 0x40))
        return REFUSE(r, "truncated: DOS header needs 0x40 bytes, file has 0x%zx", img->file_size);
    memcpy(&img->headers_offset, img->file + 0x3c, 4);
    const uint8_t *p = file_at(img, img->headers_offset, 4);
    if (!p || memcmp(p, "PE\0\0", 4) != 0)
        return refuse_old_program(r, img->headers_offset);
    return PE_OK;
}

static enum pe_status check_machine(struct reader *r, const struct pe_raw_file_header *h, uint16_t magic)
{
    if (magic == PE_OPTIONAL_PE32)
        return REFUSE(r, "32-bit image (PE32), need PE32+ x64");
    if (h->machine == PE_MACHINE_ARM64)
        return REFUSE(r, "ARM64 image, need PE32+ x64");
    if (h->machine != PE_MACHINE_AMD64)
        return REFUSE(r, "image for machine 0x%x, need PE32+ x64 (0x8664)", h->machine);
    if (magic != PE_OPTIONAL_PE32PLUS)
        return REFUSE(r, "optional header has magic 0x%x, need 0x20b (PE32+)", magic);
    if (!(h->characteristics & PE_FILE_EXECUTABLE))
        return REFUSE(r, "not marked executable (linked with errors)");
    return PE_OK;
}

static enum pe_status check_layout(struct reader *r, const struct pe_raw_optional *o)
{
    uint32_t sa = o->section_alignment, fa = o->file_alignment;
    if (sa == 0 || (sa & (sa - 1)) || fa == 0 || (fa & (fa - 1)) || fa > sa)
        return REFUSE(r, "bad alignment: sections 0x%x, file 0x%x", sa, fa);
    if (sa < PE_PAGE && sa != fa)
        return REFUSE(r, "section alignment 0x%x is under a page but differs from file alignment 0x%x", sa, fa);
    if (o->size_of_image == 0 || o->size_of_image > MAX_IMAGE)
        return REFUSE(r, "bad size of image 0x%x", o->size_of_image);
    if (o->image_base & 0xffff || o->image_base + round_up(o->size_of_image, 0x10000) < o->image_base)
        return REFUSE(r, "bad image base 0x%llx", (unsigned long long)o->image_base);
    if (o->size_of_headers > o->size_of_image)
        return REFUSE(r, "headers (0x%x bytes) exceed size of image 0x%x", o->size_of_headers, o->size_of_image);
    if (o->size_of_headers > r->img->file_size)
        return REFUSE(r, "truncated: headers end at 0x%x beyond file size 0x%zx", o->size_of_headers,
                      r->img->file_size);
    if (o->entry_rva >= o->size_of_image)
        return REFUSE(r, "entry point 0x%x beyond size of image 0x%x", o->entry_rva, o->size_of_image);
    return PE_OK;
}

static void copy_headers(struct pe_image *img, const struct pe_raw_file_header *h, const struct pe_raw_optional *o)
{
    img->image_base = o->image_base;
    img->size_of_image = (uint32_t)round_up(o->size_of_image, PE_PAGE);
    img->size_of_headers = o->size_of_headers;
    img->section_alignment = o->section_alignment;
    img->file_alignment = o->file_alignment;
    img->entry_rva = o->entry_rva;
    img->timestamp = h->timestamp;
    img->checksum = o->checksum;
    img->characteristics = h->characteristics;
    img->dll_characteristics = o->dll_characteristics;
    img->subsystem = o->subsystem;
    img->stack_reserve = o->stack_reserve;
    img->stack_commit = o->stack_commit;
    img->heap_reserve = o->heap_reserve;
    img->heap_commit = o->heap_commit;
}

/* A symbol table that does not fit is dropped, not refused: Windows never looks, and strippers leave it stale. */
static void copy_symbol_table(struct pe_image *img, const struct pe_raw_file_header *h)
{
    uint64_t strings = h->symbol_table + (uint64_t)h->symbol_count * 18;
    if (h->symbol_table == 0 || h->symbol_count == 0 || !file_at(img, h->symbol_table, strings - h->symbol_table))
        return;
    img->symbol_table_offset = h->symbol_table;
    img->symbol_count = h->symbol_count;
    const uint8_t *p = file_at(img, strings, 4);
    uint32_t size = 0;
    if (p)
        memcpy(&size, p, 4);
    if (size > 4 && file_at(img, strings, size)) {
        img->string_table_offset = (uint32_t)strings;
        img->string_table_size = size;
    }
}

/* --- directories ------------------------------------------------------------------------------------- */

static const char *const directory_names[PE_DIRECTORIES] = {
    [PE_DIR_EXPORT] = "export", [PE_DIR_IMPORT] = "import", [PE_DIR_EXCEPTION] = "exception",
    [PE_DIR_RELOC] = "relocation", [PE_DIR_DEBUG] = "debug", [PE_DIR_TLS] = "TLS",
    [PE_DIR_LOAD_CONFIG] = "load configuration", [PE_DIR_IAT] = "import address", [PE_DIR_DELAY_IMPORT] = "delay import",
};

/* Directories that nobody reads (no name above) are dropped when they are out of bounds; a used one is an error. */
static enum pe_status read_directories(struct reader *r, const struct pe_raw_directory *raw, uint32_t count)
{
    struct pe_image *img = r->img;
    for (uint32_t i = 0; i < count && i < PE_DIRECTORIES; i++) {
        struct pe_directory d = { raw[i].rva, raw[i].size };
        if (d.rva == 0 || d.size == 0)
            continue;
        uint64_t limit = i == PE_DIR_SECURITY ? img->file_size : img->size_of_image;
        bool inside = (uint64_t)d.rva + d.size <= limit;
        if (!inside && directory_names[i])
            return REFUSE(r, "%s directory 0x%x+0x%x lies beyond size of image 0x%x", directory_names[i], d.rva,
                          d.size, img->size_of_image);
        if (inside)
            img->dirs[i] = d;
    }
    return PE_OK;
}

/* --- sections ---------------------------------------------------------------------------------------- */

static void copy_section_name(const struct pe_image *img, const char raw[8], char out[32])
{
    memcpy(out, raw, 8);
    out[8] = '\0';
    if (raw[0] != '/' || raw[1] < '0' || raw[1] > '9' || !img->string_table_offset)
        return;
    uint32_t at = 0;
    for (int i = 1; i < 8 && raw[i] >= '0' && raw[i] <= '9'; i++)
        at = at * 10 + (uint32_t)(raw[i] - '0');
    if (at < 4 || at >= img->string_table_size)
        return;
    const char *s = (const char *)img->file + img->string_table_offset + at;
    size_t n = strnlen(s, img->string_table_size - at);
    if (n > 31)
        n = 31;
    memcpy(out, s, n);
    out[n] = '\0';
}

/* How much of the raw data lands in memory. */
static uint32_t mapped_raw_size(const struct pe_image *img, uint32_t vsize, uint32_t raw_size)
{
    /* GUESS: data beyond VirtualSize is seen up to the end of the last page, as it comes in with the page. */
    uint64_t room = img->section_alignment < PE_PAGE ? vsize : round_up(vsize, PE_PAGE);
    return raw_size < room ? raw_size : (uint32_t)room;
}

static enum pe_status check_section(struct reader *r, const struct pe_section *s, uint64_t *end)
{
    struct pe_image *img = r->img;
    uint64_t last = (uint64_t)s->rva + pe_section_span(img, s);
    if (s->rva < *end)
        return REFUSE(r, "section %s at 0x%x overlaps what lies before it (up to 0x%llx)", s->name, s->rva,
                      (unsigned long long)*end);
    if (s->rva % img->section_alignment)
        return REFUSE(r, "section %s at 0x%x is not aligned to 0x%x", s->name, s->rva, img->section_alignment);
    if (last > img->size_of_image)
        return REFUSE(r, "section %s ends at 0x%llx beyond size of image 0x%x", s->name, (unsigned long long)last,
                      img->size_of_image);
    *end = last;
    return PE_OK;
}

static enum pe_status read_section(struct reader *r, const struct pe_raw_section *raw, struct pe_section *s)
{
    struct pe_image *img = r->img;
    copy_section_name(img, raw->name, s->name);
    s->rva = raw->rva;
    s->flags = raw->flags;
    s->vsize = raw->vsize ? raw->vsize : raw->raw_size;
    if (s->vsize > MAX_IMAGE)
        return REFUSE(r, "section %s has a bad size 0x%x", s->name, s->vsize);
    if (raw->raw == 0 || raw->raw_size == 0)
        return PE_OK;
    uint64_t last = (uint64_t)raw->raw + raw->raw_size;
    if (last > img->file_size)
        return REFUSE(r, "truncated: section %s ends at 0x%llx beyond file size 0x%zx", s->name,
                      (unsigned long long)last, img->file_size);
    /* GUESS: the memory manager maps from the 512-byte sector that the data starts in. */
    s->raw = img->section_alignment < PE_PAGE ? raw->raw : raw->raw & ~0x1ffu;
    s->raw_size = mapped_raw_size(img, s->vsize, raw->raw_size);
    return PE_OK;
}

static enum pe_status read_sections(struct reader *r, const struct pe_raw_section *raw, uint32_t count)
{
    struct pe_image *img = r->img;
    uint64_t end = img->size_of_headers;
    for (uint32_t i = 0; i < count; i++) {
        struct pe_section *s = &img->sections[i];
        enum pe_status st = read_section(r, &raw[i], s);
        if (st == PE_OK && s->vsize)
            st = check_section(r, s, &end);
        if (st != PE_OK)
            return st;
    }
    img->section_count = count;
    return PE_OK;
}

/* --- all of it --------------------------------------------------------------------------------------- */

static enum pe_status read_optional(struct reader *r, const struct pe_raw_file_header *h, uint64_t at)
{
    struct pe_image *img = r->img;
    const struct pe_raw_optional *o = file_at(img, at, sizeof *o);
    if (!o || h->optional_size < sizeof *o)
        return REFUSE(r, "truncated: optional header needs 0x%zx bytes, has 0x%x", sizeof *o, h->optional_size);
    uint32_t room = (h->optional_size - (uint32_t)sizeof *o) / (uint32_t)sizeof(struct pe_raw_directory);
    uint32_t count = o->directory_count < PE_DIRECTORIES ? o->directory_count : PE_DIRECTORIES;
    if (count > room)
        return REFUSE(r, "optional header has room for %u directories, claims %u", room, count);
    const void *dirs = file_at(img, at + sizeof *o, count * sizeof(struct pe_raw_directory));
    if (!dirs)
        return REFUSE(r, "truncated: directories lie beyond file size 0x%zx", img->file_size);
    enum pe_status st = check_layout(r, o);
    if (st != PE_OK)
        return st;
    copy_headers(img, h, o);
    copy_symbol_table(img, h);
    return read_directories(r, dirs, count);
}

static enum pe_status read_headers(struct reader *r)
{
    struct pe_image *img = r->img;
    enum pe_status st = find_headers(r);
    if (st != PE_OK)
        return st;
    uint64_t at = (uint64_t)img->headers_offset + 4;
    const struct pe_raw_file_header *h = file_at(img, at, sizeof *h + 2);
    if (!h)
        return REFUSE(r, "truncated: file header lies beyond file size 0x%zx", img->file_size);
    uint16_t magic = 0;
    memcpy(&magic, h + 1, 2);
    if ((st = check_machine(r, h, magic)) != PE_OK)
        return st;
    at += sizeof *h;
    if ((st = read_optional(r, h, at)) != PE_OK)
        return st;
    if (h->section_count > PE_MAX_SECTIONS)
        return REFUSE(r, "%u sections, at most %u are allowed", h->section_count, PE_MAX_SECTIONS);
    const void *sections = file_at(img, at + h->optional_size, h->section_count * sizeof(struct pe_raw_section));
    if (!sections)
        return REFUSE(r, "truncated: section table lies beyond file size 0x%zx", img->file_size);
    return read_sections(r, sections, h->section_count);
}

enum pe_status pe_open_memory(const void *bytes, size_t size, struct pe_image *out, char *err, size_t errlen)
{
    IR_ASSERT(out && (bytes || size == 0));
    memset(out, 0, sizeof *out);
    out->file = bytes;
    out->file_size = size;
    struct reader r = { out, err, errlen };
    enum pe_status st = read_headers(&r);
    if (st != PE_OK)
        memset(out, 0, sizeof *out);
    return st;
}

/* --- files ------------------------------------------------------------------------------------------- */

static bool read_all(int fd, uint8_t *to, size_t size)
{
    errno = 0;
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, to + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

enum pe_status pe_read_file(const char *path, size_t limit, uint8_t **bytes, size_t *size, char *err, size_t errlen)
{
    IR_ASSERT(path && bytes && size);
    /* O_NONBLOCK: a FIFO given by mistake is refused below instead of waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat sb;
    if (fd < 0)
        return pe_bad(err, errlen, "%s", strerror(errno));
    enum pe_status st = PE_OK;
    uint8_t *p = NULL;
    if (fstat(fd, &sb) != 0)
        st = pe_bad(err, errlen, "%s", strerror(errno));
    else if (S_ISDIR(sb.st_mode))
        st = pe_bad(err, errlen, "is a directory");
    else if (!S_ISREG(sb.st_mode))
        st = pe_bad(err, errlen, "not a regular file");
    else if ((uint64_t)sb.st_size > limit)
        st = pe_bad(err, errlen, "file is too large (0x%llx bytes)", (unsigned long long)sb.st_size);
    else if (!(p = malloc((size_t)sb.st_size + 1)))
        st = pe_bad(err, errlen, "out of memory");
    else if (!read_all(fd, p, (size_t)sb.st_size))
        st = pe_bad(err, errlen, "cannot be read: %s", errno ? strerror(errno) : "it shrank meanwhile");
    close(fd);
    if (st != PE_OK) {
        free(p);
        return st;
    }
    *bytes = p;
    *size = (size_t)sb.st_size;
    return PE_OK;
}

enum pe_status pe_open_file(const char *path, struct pe_image *out, char *err, size_t errlen)
{
    uint8_t *bytes;
    size_t size;
    memset(out, 0, sizeof *out);
    enum pe_status st = pe_read_file(path, MAX_IMAGE, &bytes, &size, err, errlen);
    if (st != PE_OK)
        return st;
    st = pe_open_memory(bytes, size, out, err, errlen);
    if (st != PE_OK)
        free(bytes);
    else
        out->owns_file = true;
    return st;
}

void pe_close(struct pe_image *img)
{
    if (img->owns_file)
        free((void *)img->file);
    memset(img, 0, sizeof *img);
}

/* --- questions about sections ------------------------------------------------------------------------ */

uint32_t pe_section_span(const struct pe_image *img, const struct pe_section *s)
{
    return (uint32_t)round_up(s->vsize, img->section_alignment < PE_PAGE ? img->section_alignment : PE_PAGE);
}

const struct pe_section *pe_section_at(const struct pe_image *img, uint32_t rva)
{
    for (uint32_t i = 0; i < img->section_count; i++) {
        const struct pe_section *s = &img->sections[i];
        if (rva >= s->rva && rva - s->rva < pe_section_span(img, s))
            return s;
    }
    return NULL;
}

const struct pe_section *pe_section_find(const struct pe_image *img, const char *name)
{
    for (uint32_t i = 0; i < img->section_count; i++)
        if (strcmp(img->sections[i].name, name) == 0)
            return &img->sections[i];
    return NULL;
}

unsigned pe_section_prot(const struct pe_image *img, const struct pe_section *s)
{
    /* Sections that share pages cannot be protected apart. */
    if (img->section_alignment < PE_PAGE)
        return PE_PROT_READ | PE_PROT_WRITE | PE_PROT_EXEC;
    unsigned prot = 0;
    if (s->flags & PE_SCN_READ)
        prot |= PE_PROT_READ;
    if (s->flags & PE_SCN_WRITE)
        prot |= PE_PROT_READ | PE_PROT_WRITE;
    if (s->flags & PE_SCN_EXECUTE)
        prot |= PE_PROT_READ | PE_PROT_EXEC;
    return prot;
}

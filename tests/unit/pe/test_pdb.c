/* Program databases written by hand: the container's blocks, every kind of record, and damage. */
#include "support.h"

#include "pe/msf.h"
#include "pe/pdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, STREAMS = 6, MAX_FILE = 0x10000, INFO = 1, DBI = 3, RECORDS = 4, MODULE = 5 };

static char err[PE_ERROR_TEXT];

/* --- building -------------------------------------------------------------------------------------------- */

struct built {
    uint8_t stream[STREAMS][0x1000];
    uint32_t size[STREAMS];
    uint8_t file[MAX_FILE];
    size_t file_size;
    bool backwards; /* blocks of a stream in descending order: no neighbours */
};

static void put(struct built *b, int stream, const void *bytes, size_t n)
{
    assert_true(b->size[stream] + n <= sizeof b->stream[0]);
    memcpy(b->stream[stream] + b->size[stream], bytes, n);
    b->size[stream] += (uint32_t)n;
}

static void put32(struct built *b, int stream, uint32_t v)
{
    put(b, stream, &v, 4);
}

static void put16(struct built *b, int stream, uint16_t v)
{
    put(b, stream, &v, 2);
}

static void poke32(struct built *b, int stream, uint32_t at, uint32_t v)
{
    memcpy(b->stream[stream] + at, &v, 4);
}

/* Block 0 superblock, 3 directory map, 4 directory, streams from 8. */
static void assemble(struct built *b)
{
    uint32_t directory[128], n = 0, next = 8;
    memset(b->file, 0, sizeof b->file);
    directory[n++] = STREAMS;
    for (int i = 0; i < STREAMS; i++)
        directory[n++] = b->size[i];
    for (int i = 0; i < STREAMS; i++) {
        uint32_t count = (b->size[i] + BLOCK - 1) / BLOCK;
        for (uint32_t k = 0; k < count; k++) {
            uint32_t block = next + (b->backwards ? count - 1 - k : k);
            directory[n++] = block;
            memcpy(b->file + block * BLOCK, b->stream[i] + k * BLOCK, BLOCK);
        }
        next += count;
    }
    const uint32_t super[] = { BLOCK, 1, next, n * 4, 0, 3 }, map[] = { 4 };
    memcpy(b->file, "Microsoft C/C++ MSF 7.00\r\n\x1a" "DS\0\0\0", 32);
    memcpy(b->file + 32, super, sizeof super);
    memcpy(b->file + 3 * BLOCK, map, sizeof map);
    memcpy(b->file + 4 * BLOCK, directory, n * 4);
    assert_true(n * 4 <= BLOCK);
    b->file_size = (size_t)next * BLOCK;
}

static const struct pe_codeview identity = { .guid = "0123456789abcde", .age = 7, .path = "x.pdb" };

static void put_header(struct built *b)
{
    put32(b, INFO, 20000404);
    put32(b, INFO, 0);
    put32(b, INFO, 99); /* this age is not compared */
    put(b, INFO, identity.guid, 16);
    uint8_t dbi[64] = { 0 };
    put(b, DBI, dbi, sizeof dbi);
    poke32(b, DBI, 8, identity.age);
    poke32(b, DBI, 20, RECORDS);
    put32(b, MODULE, 4); /* signature */
}

static void put_module(struct built *b, uint16_t stream, const char *name)
{
    uint8_t info[64] = { 0 };
    uint32_t before = b->size[DBI], symbols = stream < STREAMS ? b->size[stream] : 8;
    memcpy(info + 34, &stream, 2);
    memcpy(info + 36, &symbols, 4);
    put(b, DBI, info, sizeof info);
    put(b, DBI, name, strlen(name) + 1);
    put(b, DBI, name, strlen(name) + 1);
    while (b->size[DBI] & 3)
        put(b, DBI, "", 1);
    uint32_t total;
    memcpy(&total, b->stream[DBI] + 24, 4);
    poke32(b, DBI, 24, total + b->size[DBI] - before);
}

static uint32_t begin(struct built *b, int stream, uint16_t kind)
{
    put16(b, stream, 0);
    put16(b, stream, kind);
    return b->size[stream] - 4;
}

static void end(struct built *b, int stream, uint32_t at, const char *name)
{
    put(b, stream, name, strlen(name) + 1);
    while (b->size[stream] & 3)
        put(b, stream, "\xf1", 1);
    uint16_t length = (uint16_t)(b->size[stream] - at - 2);
    memcpy(b->stream[stream] + at, &length, 2);
}

static void put_public(struct built *b, uint32_t flags, uint32_t offset, const char *name)
{
    uint32_t at = begin(b, RECORDS, 0x110e);
    put32(b, RECORDS, flags);
    put32(b, RECORDS, offset);
    put16(b, RECORDS, 1);
    end(b, RECORDS, at, name);
}

/* Returns where the record lies, for its end to be filled in. */
static uint32_t put_proc(struct built *b, uint16_t kind, uint32_t offset, uint32_t size, const char *name)
{
    uint32_t at = begin(b, MODULE, kind);
    for (int i = 0; i < 3; i++)
        put32(b, MODULE, 0);
    put32(b, MODULE, size);
    for (int i = 0; i < 3; i++)
        put32(b, MODULE, 0);
    put32(b, MODULE, offset);
    put16(b, MODULE, 1);
    put(b, MODULE, "", 1);
    end(b, MODULE, at, name);
    return at;
}

static uint32_t put_end(struct built *b)
{
    put16(b, MODULE, 2);
    put16(b, MODULE, 6);
    return b->size[MODULE] - 4;
}

/* --- reading --------------------------------------------------------------------------------------------- */

struct seen {
    char text[2000];
    unsigned count, stop_after;
};

static bool see(void *ctx, const struct pe_pdb_symbol *p)
{
    static const char kinds[] = "fd";
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    snprintf(s->text + n, sizeof s->text - n, "%.*s:%c%u%s@%u:%x+%x ", (int)p->name_length, p->name, kinds[p->kind],
             p->source, p->is_static ? "s" : "", p->section, p->offset, p->size);
    return ++s->count != s->stop_after;
}

static enum pe_status symbols(struct built *b, struct seen *s)
{
    struct pe_msf f;
    memset(s->text, 0, sizeof s->text);
    assemble(b);
    enum pe_status st = pe_msf_open_memory(&f, b->file, b->file_size, err, sizeof err);
    if (st == PE_OK)
        st = pe_pdb_symbols(&f, &identity, see, s, err, sizeof err);
    pe_msf_close(&f);
    return st;
}

static struct built *new_built(void)
{
    struct built *b = calloc(1, sizeof *b);
    assert_non_null(b);
    put_header(b);
    return b;
}

static void reads_scattered_streams(void **state)
{
    for (int backwards = 0; backwards < 2; backwards++) {
        struct built *b = calloc(1, sizeof *b);
        b->backwards = backwards;
        for (uint32_t i = 0; i < 0x900; i += 4)
            put32(b, 2, i);
        assemble(b);
        struct pe_msf f;
        uint8_t out[0x1000];
        assert_int_equal(pe_msf_open_memory(&f, b->file, b->file_size, err, sizeof err), PE_OK);
        assert_int_equal(pe_msf_size(&f, 2), 0x900);
        assert_int_equal(pe_msf_size(&f, 1), 0);
        assert_int_equal(pe_msf_size(&f, STREAMS), 0);
        for (uint32_t at = 0; at < 0x900; at += 0x1fe)
            for (uint32_t n = 0; n <= 0x900 - at; n += 0x101) {
                memset(out, 0xee, sizeof out);
                assert_true(pe_msf_read(&f, 2, at, n, out));
                assert_memory_equal(out, b->stream[2] + at, n);
                assert_int_equal(out[n], 0xee);
            }
        assert_false(pe_msf_read(&f, 2, 0x8ff, 2, out));
        assert_false(pe_msf_read(&f, 2, 0x901, 0, out));
        assert_false(pe_msf_read(&f, 2, 0xffffffff, 8, out));
        assert_false(pe_msf_read(&f, 99, 0, 1, out));
        pe_msf_close(&f);
        free(b);
    }
}

static void knows_records(void **state)
{
    struct built *b = new_built();
    put_end(b);
    put_proc(b, 0x1110, 0x10, 5, "global");
    put_end(b);
    put_proc(b, 0x110f, 0x20, 6, "local");
    put_end(b);
    put_proc(b, 0x1147, 0x30, 7, "global_id");
    put_proc(b, 0x1146, 0x40, 8, "local_id");
    uint32_t at = begin(b, MODULE, 0x1102); /* thunk */
    for (int i = 0; i < 3; i++)
        put32(b, MODULE, 0);
    put32(b, MODULE, 0x50);
    put16(b, MODULE, 2);
    put16(b, MODULE, 9);
    put(b, MODULE, "", 1);
    end(b, MODULE, at, "thunk");
    put_module(b, 0xffff, "no symbols");
    put_module(b, MODULE, "one.obj");
    put_public(b, 2, 0x60, "public");
    put_public(b, 0, 0x70, "data");
    for (int i = 0; i < 2; i++) {
        at = begin(b, RECORDS, 0x110c + (uint16_t)i);
        put32(b, RECORDS, 0);
        put32(b, RECORDS, 0x80);
        put16(b, RECORDS, 3);
        end(b, RECORDS, at, i ? "variable" : "static");
    }
    struct seen s = { 0 };
    if (symbols(b, &s) != PE_OK)
        fail_msg("%s", err);
    assert_string_equal(s.text, "global:f0@1:10+5 local:f0s@1:20+6 global_id:f0@1:30+7 local_id:f0s@1:40+8 "
                                "thunk:f1@2:50+9 public:f2@1:60+0 data:d2@1:70+0 static:d5s@3:80+0 variable:d5@3:80+0 ");
    struct seen few = { .stop_after = 3 };
    assert_int_equal(symbols(b, &few), PE_STOPPED);
    few = (struct seen){ .stop_after = 7 };
    assert_int_equal(symbols(b, &few), PE_STOPPED);
    free(b);
}

/* What lies between a procedure and its end is not looked at; a wrong end is not believed. */
static void jumps_over_bodies(void **state)
{
    struct built *b = new_built();
    uint32_t proc = put_proc(b, 0x1110, 0x10, 5, "outer");
    put_proc(b, 0x110f, 0x11, 1, "inside");
    uint32_t last = put_end(b);
    put_proc(b, 0x1110, 0x20, 5, "after");
    put_module(b, MODULE, "one.obj");
    struct seen s = { 0 };
    poke32(b, MODULE, proc + 8, last);
    assert_int_equal(symbols(b, &s), PE_OK);
    assert_string_equal(s.text, "outer:f0@1:10+5 after:f0@1:20+5 ");
    const uint32_t wrong[] = { 0, 4, last + 4, last + 1, last - 2, b->size[MODULE], 0xffffffff, proc };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        poke32(b, MODULE, proc + 8, wrong[i]);
        assert_int_equal(symbols(b, &s), PE_OK);
        assert_string_equal(s.text, "outer:f0@1:10+5 inside:f0s@1:11+1 after:f0@1:20+5 ");
    }
    free(b);
}

static void stops_at_damaged_records(void **state)
{
    struct built *b = new_built();
    put_public(b, 2, 0x10, "good");
    uint32_t at = b->size[RECORDS];
    put_public(b, 2, 0x20, "bad");
    for (unsigned length = 0; length < 0x10000; length += 0x111) {
        struct seen s = { 0 };
        uint16_t v = (uint16_t)length;
        memcpy(b->stream[RECORDS] + at, &v, 2);
        assert_int_equal(symbols(b, &s), PE_OK);
        assert_memory_equal(s.text, "good:f2@1:10+0 ", 15);
    }
    free(b);
}

/* Records of the right kind that are too short for their fields are passed over. */
static void passes_over_short_records(void **state)
{
    static const uint16_t kinds[] = { 0x1102, 0x110c, 0x110d, 0x110e, 0x110f, 0x1110, 0x1146, 0x1155 };
    struct built *b = new_built();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (unsigned n = 0; n < 2; n++) {
            uint32_t at = begin(b, RECORDS, kinds[i]);
            put(b, RECORDS, "\0\0\0\0\0\0\0\0\0\0\0", n * 4);
            end(b, RECORDS, at, "");
        }
    put_public(b, 2, 0x10, "last");
    struct seen s = { 0 };
    assert_int_equal(symbols(b, &s), PE_OK);
    assert_string_equal(s.text, "last:f2@1:10+0 ");
    free(b);
}

static void refused(struct built *b, const char *words)
{
    struct seen s = { 0 };
    assert_int_equal(symbols(b, &s), PE_BAD);
    if (!strstr(err, words))
        fail_msg("\"%s\" lacks \"%s\"", err, words);
}

static void refuses_damage(void **state)
{
    struct built *b = new_built();
    b->stream[INFO][12] ^= 1;
    refused(b, "another build");
    b->stream[INFO][12] ^= 1;
    poke32(b, DBI, 8, 8);
    refused(b, "age 8, image has 7");
    poke32(b, DBI, 8, 7);
    poke32(b, DBI, 24, 0x1000);
    refused(b, "list of modules");
    poke32(b, DBI, 24, 0);
    b->size[INFO] = 20;
    refused(b, "no information stream");
    b->size[INFO] = 28;
    b->size[DBI] = 60;
    refused(b, "no debug information stream");
    free(b);

    b = new_built();
    put_public(b, 2, 0x10, "good");
    put_proc(b, 0x1110, 0x10, 5, "again");
    for (int i = 0; i < 44; i++) /* one stream named again and again */
        put_module(b, MODULE, "");
    b->size[MODULE] = 0x800;
    for (int i = 0; i < 44; i++)
        poke32(b, DBI, 64 + 68 * (uint32_t)i + 36, 0x800);
    refused(b, "modules exceed the file");
    free(b);
}

static void refuses_rearranged_images(void **state)
{
    struct built *b = new_built();
    poke32(b, DBI, 48, 22); /* size of the optional header, eleven streams */
    for (int i = 0; i < 11; i++)
        put16(b, DBI, i == 4 ? MODULE : 0xffff);
    refused(b, "OMAP");
    free(b);
}

static void refuses_bad_containers(void **state)
{
    struct built *b = new_built();
    struct pe_msf f;
    assemble(b);
    /* block lists that point out of the file, streams larger than it, directories that are not there */
    for (size_t at = 32; at < 56; at += 4)
        for (unsigned shift = 0; shift < 32; shift += 7) {
            uint32_t saved, v = 0xffffffffu << shift;
            memcpy(&saved, b->file + at, 4);
            memcpy(b->file + at, &v, 4);
            pe_msf_open_memory(&f, b->file, b->file_size, err, sizeof err);
            pe_msf_close(&f);
            memcpy(b->file + at, &saved, 4);
        }
    uint32_t v = 0xfffffff0;
    memcpy(b->file + 4 * BLOCK, &v, 4);
    assert_int_equal(pe_msf_open_memory(&f, b->file, b->file_size, err, sizeof err), PE_BAD);
    pe_msf_close(&f);
    v = STREAMS;
    memcpy(b->file + 4 * BLOCK, &v, 4);
    v = 0xffffffff; /* this size means that there is no stream */
    memcpy(b->file + 4 * BLOCK + 4, &v, 4);
    assert_int_equal(pe_msf_open_memory(&f, b->file, b->file_size, err, sizeof err), PE_OK);
    assert_int_equal(pe_msf_size(&f, 0), 0);
    uint8_t byte;
    f.directory[f.first[INFO]] = 0xffff; /* a block outside */
    assert_false(pe_msf_read(&f, INFO, 0, 1, &byte));
    pe_msf_close(&f);
    free(b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_scattered_streams),
        cmocka_unit_test(knows_records),
        cmocka_unit_test(jumps_over_bodies),
        cmocka_unit_test(stops_at_damaged_records),
        cmocka_unit_test(passes_over_short_records),
        cmocka_unit_test(refuses_damage),
        cmocka_unit_test(refuses_rearranged_images),
        cmocka_unit_test(refuses_bad_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

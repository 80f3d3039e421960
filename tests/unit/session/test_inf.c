/* INF files: the text, and what it makes of a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cm/cm.h"
#include "session/config.h"
#include "session/inf.h"

static char err[600];

static void parse(struct inf *inf, const char *text)
{
    assert_true(inf_parse(inf, "x.inf", text, strlen(text), err, sizeof err));
}

static void sections_merge_and_compare_without_case(void **state)
{
    struct inf inf;
    parse(&inf, "[One]\na=1\n[two]\nb=2\n[ONE]\nc=3\n");
    assert_int_equal(inf.section_count, 2);
    const struct inf_section *s = inf_section(&inf, "oNe");
    assert_int_equal(s->entry_count, 2);
    assert_string_equal(inf_field(inf_find(s, "C"), 0), "3");
    inf_free(&inf);
}

static void fields(void **state)
{
    struct inf inf;
    parse(&inf, "[s]\r\n k = a , \"b , ; c\"\"d\" ,, e f ; note\r\nHKR,,x,1,01,\\ \r\n  02\r\n\"q\" = z\r\n");
    const struct inf_section *s = inf_section(&inf, "s");
    const struct inf_entry *e = inf_find(s, "K");
    assert_int_equal(e->field_count, 4);
    assert_string_equal(e->fields[0], "a");
    assert_string_equal(e->fields[1], "b , ; c\"d");
    assert_string_equal(e->fields[2], "");
    assert_string_equal(e->fields[3], "e f");
    assert_null(s->entries[1].key);
    assert_int_equal(s->entries[1].field_count, 6);
    assert_string_equal(inf_field(&s->entries[1], 5), "02");
    assert_int_equal(s->entries[1].line, 3);
    assert_int_equal(s->entries[2].line, 5);
    assert_string_equal(inf_field(inf_find(s, "q"), 0), "z");
    inf_free(&inf);
}

/* DOC: stampinf replaces these in a .inx file. */
static void variables_of_inx_files(void **state)
{
    struct inf inf;
    parse(&inf, "[Manufacturer]\nx = Standard,NT$ARCH$\n[w]\nKmdfLibraryVersion = $KMDFVERSION$ ; $\nf = Co$kmdfcoinstallerversion$.dll\n"
                "g = $OTHER$,$$ARCH$\n");
    assert_string_equal(inf_field(inf_find(inf_section(&inf, "Manufacturer"), "x"), 1), "NTamd64");
    assert_string_equal(inf_field(inf_find(inf_section(&inf, "w"), "KmdfLibraryVersion"), 0), "1.33");
    assert_string_equal(inf_field(inf_find(inf_section(&inf, "w"), "f"), 0), "Co01033.dll");
    assert_string_equal(inf_field(inf_find(inf_section(&inf, "w"), "g"), 0), "$OTHER$");
    assert_string_equal(inf_field(inf_find(inf_section(&inf, "w"), "g"), 1), "$amd64");
    inf_free(&inf);
}

static void strings(void **state)
{
    struct inf inf;
    parse(&inf, "[s]\nx = %A%,%12%\\%B%,100%%,%none%\n[Strings]\nA = \"eh\"\nB = plain\n[Strings.0409]\nB = english\n[Strings.0407]\nA = deutsch\n");
    const struct inf_entry *e = inf_find(inf_section(&inf, "s"), "x");
    assert_string_equal(e->fields[0], "eh");
    assert_string_equal(e->fields[1], "%12%\\english");
    assert_string_equal(e->fields[2], "100%");
    assert_string_equal(e->fields[3], "%none%");
    inf_free(&inf);
}

static void encodings(void **state)
{
    static const uint8_t utf16[] = { 0xFF, 0xFE, '[', 0, 's', 0, ']', 0, '\n', 0, 'k', 0, '=', 0, 0xFC, 0, '\n', 0 };
    static const uint8_t big[] = { 0xFE, 0xFF, 0, '[', 0, 's', 0, ']', 0, '\n', 0, 'k', 0, '=', 0, 0xFC };
    static const char utf8[] = "\xEF\xBB\xBF[s]\nk=\xC3\xBC\n", ansi[] = "[s]\nk=\xFC\n";
    const struct {
        const void *bytes;
        size_t size;
    } all[] = { { utf16, sizeof utf16 }, { big, sizeof big }, { utf8, sizeof utf8 - 1 }, { ansi, sizeof ansi - 1 } };
    for (size_t i = 0; i < 4; i++) {
        struct inf inf;
        assert_true(inf_parse(&inf, "x.inf", all[i].bytes, all[i].size, err, sizeof err));
        assert_string_equal(inf_field(inf_find(inf_section(&inf, "s"), "k"), 0), "\xC3\xBC");
        inf_free(&inf);
    }
}

static void bad_text(void **state)
{
    struct inf inf;
    assert_false(inf_parse(&inf, "x.inf", "a = b\n", 6, err, sizeof err));
    assert_string_equal(err, "x.inf:1: an entry before the first section");
    inf_free(&inf);
    assert_false(inf_parse(&inf, "x.inf", "\n[s\n", 4, err, sizeof err));
    assert_string_equal(err, "x.inf:2: a section name without ]");
    inf_free(&inf);
}

/* ---- installing ---- */

#define HEAD "[Version]\nSignature=\"$Windows NT$\"\nClass=C\nClassGuid={78A1C341-4539-11d3-B88D-00C04FAD5171}\n[Manufacturer]\nM=Mod,NTamd64,NTarm64\n"
#define SERVICE "[In.Services]\nAddService=Svc,2,Sv\n[Sv]\nServiceType=1\nStartType=3\nErrorControl=1\nServiceBinary=%12%\\d.sys\n"

static struct config *one_driver(void)
{
    struct config *c = calloc(1, sizeof *c);
    config_init(c);
    strcpy(c->drivers[c->driver_count++].file, "/some/where/D.SYS");
    return c;
}

static bool install(struct config *c, const char *text)
{
    return inf_install(c, "x.inf", text, strlen(text), err, sizeof err);
}

static const struct config_value *value(const struct config *c, const char *path, const char *name)
{
    for (uint32_t i = 0; i < c->registry_count; i++)
        if (strcmp(c->registry[i].path, path) == 0 && strcmp(c->registry[i].name, name) == 0)
            return &c->registry[i];
    return NULL;
}

static void the_first_model(void **state)
{
    struct config *c = one_driver();
    assert_true(install(c, HEAD "[Mod.NTarm64]\nD=No,A\\B\n[Mod.NTamd64]\nDev=In,PCI\\X,PCI\\Y\n[In]\nAddReg=R\n[R]\nHKR,Sub,N,0x10001,-1\nHKLM,Soft,T,,x\n" SERVICE));
    assert_int_equal(c->device_count, 1);
    assert_string_equal(c->devices[0].hwid, "PCI\\X");
    assert_string_equal(c->drivers[0].service, "Svc");
    assert_string_equal(c->drivers[0].hwid, "PCI\\X");
    assert_int_equal(c->drivers[0].role, ROLE_FUNCTION);
    assert_string_equal(c->drivers[0].description, "Dev");
    assert_string_equal(c->drivers[0].class_guid, "{78a1c341-4539-11d3-b88d-00c04fad5171}");
    const struct config_value *v = value(c, "driver:PCI\\X", "N");
    assert_non_null(v);
    assert_string_equal(v->subkey, "Sub");
    assert_string_equal(v->text, "0xffffffff");
    assert_int_equal(v->type, REG_DWORD);
    assert_non_null(value(c, "\\Registry\\Machine\\Soft", "T"));
    assert_string_equal(value(c, "service:Svc", "Start")->text, "3");
    free(c);
}

static void the_device_that_is_there(void **state)
{
    struct config *c = one_driver();
    strcpy(c->devices[c->device_count++].hwid, "pci\\y");
    strcpy(c->devices[c->device_count++].hwid, "PCI\\X");
    assert_true(install(c, HEAD "[Mod.NTamd64]\nDev=In,PCI\\X\nDev=In,PCI\\Y\n[In]\n[In.HW]\nAddReg=H\n[H]\nHKR,,UpperFilters,0x10008,f1\nHKR,,Own,,1\n" SERVICE));
    assert_string_equal(c->drivers[0].hwid, "pci\\y\nPCI\\X");
    assert_int_equal(value(c, "instance:pci\\y", "UpperFilters")->how, VALUE_APPEND);
    assert_non_null(value(c, "device:PCI\\X", "Own"));
    free(c);
}

static void decorations(void **state)
{
    struct config *c = one_driver();
    assert_true(install(c, "[Version]\nSignature=$CHICAGO$\n[Manufacturer]\nM=Mod,NTamd64.6.1,NTamd64.10.0...17000,NTamd64.10.0...99000\n"
                           "[Mod.NTamd64.6.1]\nold=In,A\\OLD\n[Mod.NTamd64.10.0...17000]\nnew=In,A\\NEW\n[Mod.NTamd64.10.0...99000]\nlater=In,A\\LATER\n"
                           "[In.NTamd64]\n[In]\nAddReg=Nowhere\n" SERVICE));
    assert_string_equal(c->devices[0].hwid, "A\\NEW");
    free(c);
    c = one_driver();
    strcpy(c->os, "win7");
    assert_true(install(c, "[Version]\nSignature=$CHICAGO$\n[Manufacturer]\nM=Mod,NTamd64.6.1,NTamd64.10.0\n[Mod.NTamd64.6.1]\nold=In,A\\OLD\n[Mod.NTamd64.10.0]\nnew=In,A\\NEW\n[In]\n" SERVICE));
    assert_string_equal(c->devices[0].hwid, "A\\OLD");
    free(c);
}

static void refused(void **state)
{
    static const struct {
        const char *text, *why;
    } all[] = {
        { "[x]\na=b\n", "x.inf: is not an INF file: there is no section [Version]" },
        { "[Version]\nSignature=\"$Other$\"\n", "x.inf: is not an INF file for Windows: Signature in [Version] is not \"$Windows NT$\"" },
        { "[Version]\nSignature=\"$Windows NT$\"\n", "x.inf: installs no device: there is no section [Manufacturer]" },
        { HEAD "[Mod.NTarm64]\nD=In,A\\B\n", "x.inf: has no models section for x64 Windows (NTamd64) of this version" },
        { HEAD "[Mod.NTamd64]\nD=In\n", "x.inf: its models section names no hardware id" },
        { HEAD "[Mod.NTamd64]\nD=In,A\\B\n", "x.inf:8: there is no section In" },
        { HEAD "[Mod.NTamd64]\nD=In,A\\B\n[In]\n", "x.inf:8: no service for the device: no AddService with flag 2 in In" },
        { HEAD "[Mod.NTamd64]\nD=In,A\\B\n[In]\n[In.Services]\nAddService=S,2,Sv\n[Sv]\nServiceType=1\nServiceBinary=%12%\\e.sys\n",
          "x.inf:14: no --driver is the file that this service is made of: e.sys" },
        { HEAD "[Mod.NTamd64]\nD=In,A\\B\n[In]\nAddReg=R\n[R]\nHKX,,a\n" SERVICE, "x.inf:12: not a registry root: HKX" },
        { HEAD "[Mod.NTamd64]\nD=In,A\\B\n[In]\nAddReg=R\n[R]\nHKR,,a,1,zz\n" SERVICE, "x.inf:12: not a byte in hexadecimal: zz" },
        { HEAD "[Mod.NTamd64]\nD=In,A\\B\n[In]\nAddReg=R\n[R]\nHKR,,a,0x10001,5x\n" SERVICE, "x.inf:12: not a number of 32 bits: 5x" },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct config *c = one_driver();
        assert_false(install(c, all[i].text));
        assert_string_equal(err, all[i].why);
        free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_merge_and_compare_without_case), cmocka_unit_test(fields), cmocka_unit_test(variables_of_inx_files), cmocka_unit_test(strings), cmocka_unit_test(encodings),
        cmocka_unit_test(bad_text), cmocka_unit_test(the_first_model), cmocka_unit_test(the_device_that_is_there), cmocka_unit_test(decorations),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

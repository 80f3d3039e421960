/* C++ names of both schemes, and what is not one. The Microsoft ones were made by clang for x86_64-pc-windows-msvc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pe/demangle.h"

static const struct {
    const char *decorated, *plain;
} names[] = {
    { "?f@C@N@@UEAAHH@Z", "N::C::f" },
    { "?SmStWorkItemGet@?$SMKM_STORE@USM_TRAITS@@@@SAPEAU_ST_WORK_ITEM@1@PEAU1@@Z", "SMKM_STORE<SM_TRAITS>::SmStWorkItemGet" },
    { "??0Base@@QEAA@XZ", "Base::Base" },
    { "??1?$Box@H@store@@QEAA@XZ", "store::Box<int>::~Box<int>" },
    { "??_GBase@@UEAAPEAXI@Z", "Base::`scalar deleting destructor'" },
    { "??_7Derived@@6B@", "Derived::`vftable'" },
    { "??BBox@@QEAAHXZ", "Box::operator int" },
    { "??RBox@@QEBA_NH@Z", "Box::operator()" },
    { "??YBox@@QEAAAEAV0@AEBV0@@Z", "Box::operator+=" },
    { "??2@YAPEAX_K@Z", "operator new" },
    { "??_U@YAPEAX_K@Z", "operator new[]" },
    { "??__MBox@@QEBAHH@Z", "Box::operator<=>" },
    { "?Call@?$Caller@$1?Callback@@YAXH@Z@store@@SAXXZ", "store::Caller<&Callback>::Call" },
    { "?Deep@Inner@?1??Local@@YAHH@Z@SAHH@Z", "`Local'::`2'::Inner::Deep" },
    { "?Work@Hidden@?A0xCA0480CB@@QEAAHPEAH@Z", "`anonymous namespace'::Hidden::Work" },
    { "??$Sum@$0?4HJD@store@@YAHHJD@Z", "store::Sum<-5,int,long,char>" },
    { "?Get@?$Box@V?$Box@PEAH@store@@@store@@QEAAHV?$Box@PEAH@2@@Z", "store::Box<store::Box<int *> >::Get" },
    { "?x@?$A@P6AHDPEBD@Z@@2HA", "A<int (*)(char,char const *)>::x" },
    { "?x@?$A@$$A6AHD@Z@@2HA", "A<int (char)>::x" },
    { "?x@?$A@AEAY02H@@2HA", "A<int (&)[3]>::x" },
    { "?x@?$A@P8B@@EAAHD@Z@@2HA", "A<int (B::*)(char)>::x" },
    { "?x@?$A@$$QEBD_N_J@@2HA", "A<char const &&,bool,__int64>::x" },
    { "?sink@@3HC", "sink" },
    { "_ZN5KsDev5StartEi", "KsDev::Start" },
    { "_ZNK5store3BoxINS_6TraitsEEclEi", "store::Box<store::Traits>::operator()" },
    { "_ZN5store3SumILin5EJilcEEEiDpT0_", "store::Sum<-5, int, long, char>" },
    { "_ZN12_GLOBAL__N_16Hidden4WorkEPi", "(anonymous namespace)::Hidden::Work" },
    { "_ZN5store3BoxIiEcviEv", "store::Box<int>::operator int" },
    { "_ZZ5LocaliEN5Inner4DeepEi", "Local(int)::Inner::Deep" },
    { "_ZTV7Derived", "vtable for Derived" },
    { "_ZlsR1AS0_", "operator<<" },
    { "_Z3TwoIiPFvvEEiT_T0_", "Two<int, void (*)()>" },
};

static void plain_names(void **state)
{
    char out[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!pe_demangle(names[i].decorated, strlen(names[i].decorated), out, sizeof out))
            fail_msg("%s is not understood", names[i].decorated);
        assert_string_equal(out, names[i].plain);
    }
}

static void what_is_not_one(void **state)
{
    static const char *const others[] = { "", "?", "??", "DriverEntry", "_guard_dispatch_icall", "_Z", "?@@", "??@4f2@", "?f", "?f@", "??_R", "?x@?$A",
                                          "?x@?$A@P6AHD", "?9@@", "??_C@_03ABC@abc@" };
    char out[256];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (pe_demangle(others[i], strlen(others[i]), out, sizeof out))
            fail_msg("%s is taken for %s", others[i], out);
}

/* Every prefix, every byte replaced, deep nesting, little room. */
static void hostile(void **state)
{
    char text[4100], out[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i].decorated);
        for (size_t k = 0; k <= n; k++)
            pe_demangle(names[i].decorated, k, out, sizeof out);
        for (size_t k = 0; k < n; k++)
            for (int c = 1; c < 256; c++) {
                memcpy(text, names[i].decorated, n);
                text[k] = (char)c;
                pe_demangle(text, n, out, sizeof out);
            }
    }
    static const char *const pieces[] = { "?$A@", "PEA", "?x@", "??", "?1?", "$1?", "P6A", "V?$B@", "_Z", "N", "I", "0" };
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        size_t n = 0, each = strlen(pieces[p]);
        for (text[n++] = '?'; n + each < 4096; n += each)
            memcpy(text + n, pieces[p], each);
        assert_false(pe_demangle(text, n, out, sizeof out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(plain_names), cmocka_unit_test(what_is_not_one), cmocka_unit_test(hostile) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Names of bug checks and what their parameters say. */
#include "nt/bugcheck.h"

struct bugcheck {
    ULONG code;
    const char *name;
    const char *parameter[4];
};

static const struct bugcheck bugchecks[] = {
#define X(code, name, p1, p2, p3, p4) {code, #name, {p1, p2, p3, p4}},
#include "nt/bugcheck.def"
#undef X
};

static const struct {
    ULONG code;
    ULONG parameter1;
    const char *text;
} reasons[] = {
#define X(code, parameter1, text) {code, parameter1, text},
#include "nt/bugcheck_reason.def"
#undef X
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct bugcheck *find(ULONG code)
{
    for (size_t i = 0; i < COUNT(bugchecks); i++)
        if (bugchecks[i].code == code)
            return &bugchecks[i];
    return NULL;
}

const char *nt_bugcheck_name(ULONG code)
{
    const struct bugcheck *b = find(code);
    return b ? b->name : "unknown";
}

const char *nt_bugcheck_parameter(ULONG code, int parameter)
{
    const struct bugcheck *b = find(code);
    return b && parameter >= 1 && parameter <= 4 ? b->parameter[parameter - 1] : "";
}

const char *nt_bugcheck_reason(ULONG code, ULONG_PTR parameter1)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (reasons[i].code == code && reasons[i].parameter1 == parameter1)
            return reasons[i].text;
    return "";
}

/* Command-line options; see options.h. Those that the library knows (lab/options.c) are applied once the case or program is known: a case
 * gives all values, options given anywhere on the line change them. */
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int usage_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "irplab: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    return 2;
}

bool options_color(const struct options *o)
{
    return o->color == COLOR_ALWAYS || (o->color == COLOR_AUTO && isatty(1));
}

enum { MAX_GIVEN = 512 };

struct parser {
    struct options *o;
    enum options_for what;
    int argc, at;
    char **argv;
    const char *target;
    char **program_args;
    int program_argc;
    struct {
        const char *name, *value; /* name without dashes */
    } given[MAX_GIVEN];
    int given_count;
};

static bool fail(const char *format, const char *text)
{
    usage_error(format, text);
    return false;
}

static const char *value(struct parser *p, const char *name, const char *inline_value)
{
    if (inline_value)
        return inline_value;
    if (p->at + 1 < p->argc)
        return p->argv[++p->at];
    usage_error("%s needs a value; see --help", name);
    return NULL;
}

static bool text_option(struct parser *p, const char *name, const char *inl, const char **out)
{
    return (*out = value(p, name, inl)) != NULL;
}

static bool color_option(struct parser *p, const char *name, const char *inl)
{
    static const char *const words[] = { "auto", "always", "never" };
    const char *v = value(p, name, inl);
    for (int i = 0; v && i < 3; i++)
        if (strcmp(v, words[i]) == 0) {
            p->o->color = (enum color_when)i;
            return true;
        }
    return v ? fail("--color does not know '%s'; see --help", v) : false;
}

static bool *switch_of(struct parser *p, const char *name)
{
    struct options *o = p->o;
    if (strcmp(name, "--json") == 0)
        return &o->json;
    if (strcmp(name, "--quiet") == 0)
        return &o->quiet;
    if (strcmp(name, "--verbose") == 0)
        return &o->verbose;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return &o->help;
    if (strcmp(name, "--check-orders") == 0 && p->what == FOR_EXPLORE)
        return &o->check_orders;
    if (strcmp(name, "--wdf-log") == 0 && p->what != FOR_EXPLORE)
        return &o->wdf_log;
    return NULL;
}

static bool library_option(struct parser *p, const char *name, const char *inl, const char *arg)
{
    const char *plain = strcmp(name, "-o") == 0 ? "output" : strncmp(name, "--", 2) == 0 ? name + 2 : name;
    enum lab_option kind = lab_option(plain, p->what == FOR_EXPLORE);
    const char *v = NULL;
    if (kind == LAB_NO_OPTION)
        return fail("unknown option '%s'; see --help", arg);
    if (kind == LAB_SWITCH && inl)
        return fail("%s takes no value", name);
    if (kind == LAB_VALUE && !text_option(p, name, inl, &v))
        return false;
    if (p->given_count == MAX_GIVEN)
        return fail("too many options at '%s'", arg);
    /* The library's names are constant; this one lies in argv, perhaps with its value behind an equals sign. */
    static char names[MAX_GIVEN][32];
    snprintf(names[p->given_count], sizeof names[0], "%s", plain);
    p->given[p->given_count].name = names[p->given_count];
    p->given[p->given_count++].value = v;
    return true;
}

static bool option(struct parser *p, const char *arg)
{
    struct options *o = p->o;
    char name[32];
    const char *eq = strchr(arg, '='), *inl = eq ? eq + 1 : NULL;
    size_t n = eq ? (size_t)(eq - arg) : strlen(arg);
    if (n >= sizeof name)
        return fail("unknown option '%s'; see --help", arg);
    memcpy(name, arg, n);
    name[n] = 0;
    bool *flag = switch_of(p, name);
    if (flag)
        return inl ? fail("%s takes no value", name) : (*flag = true);
    if (strcmp(name, "--color") == 0)
        return color_option(p, name, inl);
    if (p->what == FOR_FILE && strcmp(name, "-o") == 0)
        return text_option(p, name, inl, &o->page);
    if (p->what == FOR_EXPLORE && strcmp(name, "--junit") == 0)
        return text_option(p, name, inl, &o->junit);
    if (p->what == FOR_EXPLORE && strcmp(name, "--sarif") == 0)
        return text_option(p, name, inl, &o->sarif);
    return library_option(p, name, inl, arg);
}

static bool is_program(const char *arg)
{
    size_t n = strlen(arg);
    return n > 4 && strcasecmp(arg + n - 4, ".exe") == 0;
}

/* Behind a program all is the program's. */
static bool positional(struct parser *p, const char *arg)
{
    struct stat st;
    if (p->what == FOR_FILE) {
        if (p->o->file)
            return fail("one FILE.irplab at a time: what is %s?", arg);
        p->o->file = arg;
        return true;
    }
    if (p->target)
        return fail("'%s': a case or program was already given", arg);
    p->target = arg;
    if (stat(arg, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    p->program_args = p->argv + p->at + 1;
    p->program_argc = p->argc - p->at - 1;
    p->at = p->argc;
    return true;
}

static bool apply(struct parser *p)
{
    struct irplab *lab = &p->o->lab;
    struct stat st;
    bool ok = true;
    if (p->target && stat(p->target, &st) != 0)
        ok = lab_fail(lab, "%s: %s", p->target, strerror(errno));
    else if (p->target && S_ISDIR(st.st_mode) && !is_program(p->target))
        ok = irplab_case(lab, p->target);
    else if (p->target)
        ok = irplab_program(lab, p->target, p->program_argc, (const char *const *)p->program_args);
    for (int i = 0; ok && i < p->given_count; i++)
        ok = irplab_set(lab, p->given[i].name, p->given[i].value);
    return ok || fail("%s", lab->error);
}

bool options_parse(struct options *o, int argc, char **argv, enum options_for what)
{
    static struct parser p;
    memset(o, 0, sizeof *o);
    lab_init(&o->lab);
    p = (struct parser) { .o = o, .what = what, .argc = argc, .argv = argv };
    for (p.at = 1; p.at < argc; p.at++) {
        const char *arg = argv[p.at];
        if (arg[0] == '-' && arg[1] ? !option(&p, arg) : !positional(&p, arg))
            return false;
    }
    return o->help || apply(&p);
}

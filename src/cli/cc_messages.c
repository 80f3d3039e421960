/* What clang says of printf formats and Microsoft's compiler does not: an `int` where a `long` is written, or the other way round. Both have
 * four bytes in this world, and sources written for it print DWORDs with %d. The warnings are taken out of the text, with the lines of
 * source and notes that belong to them, and out of the count at its end; other mistakes in formats stay. */
#include "cli/cc_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Past the colours that a terminal is told to show. */
static const char *skip_colours(const char *at)
{
    while (*at == '\033') {
        at += strcspn(at, "m");
        at += *at == 'm';
    }
    return at;
}

static bool has(const char *line, size_t n, const char *text)
{
    return memmem(line, n, text, strlen(text)) != NULL;
}

/* The type behind `what 'NAME' (aka 'TYPE')`, without its other names, is one of four bytes. */
static bool is_int_sized(const char *line, size_t n, const char *what)
{
    static const char *const names[] = {"int'", "unsigned int'", "long'", "unsigned long'"};
    const char *end = line + n, *at = memmem(line, n, what, strlen(what));
    if (!at)
        return false;
    const char *name = at += strlen(what);
    const char *quote = memchr(at, '\'', (size_t)(end - at));
    if (quote && end - quote > 7 && !strncmp(quote, "' (aka '", 8))
        name = quote + 8;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((size_t)(end - name) >= strlen(names[i]) && !strncmp(name, names[i], strlen(names[i])))
            return true;
    return false;
}

static bool is_noise(const char *line, size_t n)
{
    return has(line, n, "warning: ") && has(line, n, "[-Wformat]") && is_int_sized(line, n, "format specifies type '") &&
           (is_int_sized(line, n, "the argument has type '") || is_int_sized(line, n, "the argument has underlying type '"));
}

/* Lines that belong to the message before them. */
static bool continues(const char *line, size_t n)
{
    const char *at = skip_colours(line);
    return at >= line + n || *at == ' ' || *at == '\n' || has(line, n, ": note: ") || has(line, n, "note: \033");
}

/* "N warnings generated.", "N warnings and M errors generated." */
static size_t put_count(char *to, const char *line, size_t n, unsigned dropped)
{
    char *rest;
    unsigned long count = strtoul(line, &rest, 10);
    size_t tail = n - (size_t)(rest - line);
    unsigned long left = count > dropped ? count - dropped : 0;
    if (!left && !has(line, n, " error"))
        return 0;
    const char *behind = left == 1 && !strncmp(rest, " warnings", 9) ? " warning" : NULL;
    if (!behind)
        return (size_t)sprintf(to, "%lu%.*s", left, (int)tail, rest);
    return (size_t)sprintf(to, "%lu%s%.*s", left, behind, (int)tail - 9, rest + 9);
}

void cc_drop_format_noise(char *messages)
{
    unsigned dropped = 0;
    bool dropping = false;
    char *to = messages;
    for (const char *line = messages; *line;) {
        size_t n = strcspn(line, "\n");
        n += line[n] == '\n';
        char *rest;
        bool counts = strtoul(line, &rest, 10) && !strncmp(rest, " warning", 8) && has(line, n, " generated");
        const char *next = line + n;
        if (is_noise(line, n)) {
            dropping = true;
            dropped++;
        } else if (counts && dropped) {
            to += put_count(to, line, n, dropped);
            dropping = false;
            dropped = 0;
        } else if (!(dropping && continues(line, n))) {
            dropping = false;
            memmove(to, line, n);
            to += n;
        }
        line = next;
    }
    *to = 0;
}

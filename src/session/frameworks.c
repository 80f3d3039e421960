/* Where the drivers are that irplab brings; see frameworks.h. */
#include "session/frameworks.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { PARENTS = 4 };

static bool fits(const char *file, const char *module)
{
    size_t n = strcspn(file, ".");
    if (strcasecmp(file, module) == 0)
        return true;
    return !strchr(module, '.') && strlen(module) == n && strncasecmp(file, module, n) == 0 && strcasecmp(file + n, ".sys") == 0;
}

static bool in_folder(const char *folder, const char *module, char *path, size_t size)
{
    DIR *d = opendir(folder);
    bool found = false;
    for (const struct dirent *e; d && !found && (e = readdir(d)) != NULL;)
        if (fits(e->d_name, module))
            found = (size_t)snprintf(path, size, "%s/%s", folder, e->d_name) < size;
    if (d)
        closedir(d);
    return found;
}

bool framework_find(const char *module, char *path, size_t size)
{
    static const char *const places[] = { "drivers", "share/irplab/drivers" };
    const char *own = getenv("IRPLAB_DRIVERS");
    char dir[PATH_MAX], folder[PATH_MAX + 32];
    if (strpbrk(module, "/\\:") || !strchr(module, '.') || strcasecmp(strchr(module, '.'), ".sys") != 0)
        return false;
    if (own && in_folder(own, module, path, size))
        return true;
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    if (n <= 0)
        return false;
    dir[n] = 0;
    for (int up = 0; up < PARENTS; up++) {
        char *slash = strrchr(dir, '/');
        if (!slash)
            return false;
        *slash = 0;
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            snprintf(folder, sizeof folder, "%s/%s", dir, places[i]);
            if (in_folder(folder, module, path, size))
                return true;
        }
    }
    return false;
}

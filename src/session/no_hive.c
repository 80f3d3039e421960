/* Registry hive files where libhivex is not there: a configuration that has one is refused. */
#include <stdio.h>

#include "session/hive.h"

bool hives_read(const struct config *c, char *err, size_t errlen)
{
    if (c->hive_count)
        snprintf(err, errlen, "%.700s: registry hives cannot be read: irplab was built without libhivex", c->hives[0].file);
    return !c->hive_count;
}

void hives_apply(const struct config *c)
{
}

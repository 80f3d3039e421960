/* see campaign.h */
#include "lab/campaign.h"

bool queue_begin(struct irplab *lab, struct explorers *out)
{
    return lab_fail(lab, "--queue: not built");
}

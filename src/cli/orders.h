/* irplab explore --check-orders: neighbours said to be independent, run in both orders. Returns the exit status. */
#ifndef IRPLAB_CLI_ORDERS_H
#define IRPLAB_CLI_ORDERS_H

#include "cli/options.h"

int cli_check_orders(const struct options *o);

#endif

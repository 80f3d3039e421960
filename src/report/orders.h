/* The failing and a passing order, beside each other. */
#ifndef IRPLAB_REPORT_ORDERS_H
#define IRPLAB_REPORT_ORDERS_H

#include <jansson.h>
#include <stdio.h>

#include "report/record.h"

/* As text, from the choice at which they part. */
void report_orders(FILE *out, const struct record *failing, const struct record *passing, uint32_t turn);
/* Both as data: who ran from which choice on, what it did and how it stopped. passing may be NULL. */
json_t *report_orders_json(const struct record *failing, const struct record *passing);
/* The last choice that could have avoided the failure; null where none is known. */
json_t *report_turn_json(const struct record *r);

#endif

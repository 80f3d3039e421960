/* For areas whose tests are all in the program. */
#include "contract_driver.h"

const CONTRACT_AREA ContractArea = {0};

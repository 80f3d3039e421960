/* User APCs and completion ports at the end of a request; what is remembered of a completion for reports. */
#include "io/room.h"

#include "ke/ke.h"
#include "ob/ob.h"
#include "trace/trace.h"

bool io_user_apc_queue(IRP *irp, FILE_OBJECT *file)
{
    return false;
}

void io_completion_packet(IRP *irp, FILE_OBJECT *file)
{
}

void io_completion_context_free(FILE_OBJECT *file)
{
}

void io_victim_note(IRP *irp)
{
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver without its bus: what the glue of a bus (VMBus) calls.  Nothing
 * here knows where the host's messages come from.
 */
#ifndef HV_APPVSS_CORE_H
#define HV_APPVSS_CORE_H

#include <sys/param.h>

struct hv_appvss_core;
struct sysctl_oid;

/*
 * Sends a reply of length bytes, with the transaction id of its request.  0 or
 * an errno value.  Called with the driver's mutex held: must not sleep, and
 * must not call back into the core.
 */
typedef int hv_appvss_send_t(void *arg, void *bytes, size_t length,
    uint64_t xactid);

/*
 * Makes both character devices, and the sysctls below tree.  name, of log
 * lines, and tree are borrowed.  The core in *corep is owned by the caller;
 * from now on requests may be received and send(arg, ...) may be called.  0 or
 * an errno value: EEXIST if the devices exist, so that another driver serves
 * them.  May sleep.
 */
int hv_appvss_core_attach(const char *name, struct sysctl_oid *tree,
    hv_appvss_send_t *send, void *arg, struct hv_appvss_core **corep);

/*
 * A message of the host: bytes are copied, length is the received one.  From
 * any thread; does not sleep.
 */
void hv_appvss_core_receive(struct hv_appvss_core *core, const void *bytes,
    size_t length, uint64_t xactid);

/*
 * The bus goes: a pending request is answered FAIL, openers see the end of the
 * device, and send is not called after the return.
 */
void hv_appvss_core_stop(struct hv_appvss_core *core);

/*
 * Destroys the devices and frees the core.  Stops it if that has not been
 * done.  No hv_appvss_core_receive may run or follow.  Sleeps until the last
 * opener is out of the driver's code; its descriptors may stay open.
 */
void hv_appvss_core_detach(struct hv_appvss_core *core);

#endif /* HV_APPVSS_CORE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who pays for opens: a user of this host, or a principal. Each may have so many of
 * them, so that nobody exhausts what is there for all.
 */
#ifndef _NPMU_CHARGE_H
#define _NPMU_CHARGE_H

#include <linux/uidgid.h>

struct npmu_charge;

/**
 * npmu_charge_uid - charge a user with one open
 * @uid: of the caller, whose capability counts
 *
 * Return: for npmu_uncharge(), or ERR_PTR: -EUSERS (it has enough), -ENOMEM.
 */
struct npmu_charge *npmu_charge_uid(kuid_t uid);

/* The same for a principal, whoever the caller is. */
struct npmu_charge *npmu_charge_principal(const char *principal);

/* Never fails. NULL does nothing. */
void npmu_uncharge(struct npmu_charge *charge);

#endif /* _NPMU_CHARGE_H */

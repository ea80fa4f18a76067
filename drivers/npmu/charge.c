// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charges. Owns how many opens each user and each principal has, and their limits. It
 * must not know what was opened.
 */
#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <linux/npmu_format.h>

#include "charge.h"

static unsigned int max_opens_per_uid = 4096;
module_param(max_opens_per_uid, uint, 0644);
MODULE_PARM_DESC(max_opens_per_uid,
		 "opens of regions a user without CAP_SYS_RESOURCE may have");

/* Each is a connection, and whoever else has a grant needs one, too. */
static unsigned int max_opens_per_principal = 512;
module_param(max_opens_per_principal, uint, 0644);
MODULE_PARM_DESC(max_opens_per_principal, "opens of regions a principal may have");

/**
 * struct npmu_charge - one who has opens
 * @node: in npmu_charges
 * @uid: the user, where @principal is ""
 * @principal: name
 * @opens: how many
 */
struct npmu_charge {
	struct hlist_node node;
	kuid_t uid;
	char principal[NPMU_PRINCIPAL_LEN];
	unsigned int opens;
};

/* Protects npmu_charges and the counts in it. */
static DEFINE_MUTEX(npmu_charge_lock);
static DEFINE_HASHTABLE(npmu_charges, 6);

static u32 key_of(kuid_t uid, const char *principal)
{
	return *principal ? full_name_hash(NULL, principal, strlen(principal)) : __kuid_val(uid);
}

static struct npmu_charge *find(kuid_t uid, const char *principal)
{
	struct npmu_charge *charge;

	hash_for_each_possible(npmu_charges, charge, node, key_of(uid, principal))
		if (!strcmp(charge->principal, principal) &&
		    (*principal || uid_eq(charge->uid, uid)))
			return charge;
	return NULL;
}

static void drop_if_none(struct npmu_charge *charge)
{
	if (charge->opens)
		return;
	hash_del(&charge->node);
	kfree(charge);
}

static struct npmu_charge *charge_one(kuid_t uid, const char *principal, unsigned int limit)
{
	struct npmu_charge *charge;

	guard(mutex)(&npmu_charge_lock);
	charge = find(uid, principal);
	if (!charge) {
		charge = kzalloc(sizeof(*charge), GFP_KERNEL_ACCOUNT);
		if (!charge)
			return ERR_PTR(-ENOMEM);
		charge->uid = uid;
		strscpy(charge->principal, principal);
		hash_add(npmu_charges, &charge->node, key_of(uid, principal));
	}
	if (charge->opens >= limit && (*principal || !capable(CAP_SYS_RESOURCE))) {
		drop_if_none(charge);
		return ERR_PTR(-EUSERS);
	}
	charge->opens++;
	return charge;
}

struct npmu_charge *npmu_charge_uid(kuid_t uid)
{
	return charge_one(uid, "", READ_ONCE(max_opens_per_uid));
}

struct npmu_charge *npmu_charge_principal(const char *principal)
{
	return charge_one(INVALID_UID, principal, READ_ONCE(max_opens_per_principal));
}

void npmu_uncharge(struct npmu_charge *charge)
{
	guard(mutex)(&npmu_charge_lock);
	if (!charge)
		return;
	charge->opens--;
	drop_if_none(charge);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes: one for each region, with the name, owner and mode of its record.
 * Owns minors and struct device; what an open file does is in file.c. One cdev
 * stands over all minors, since the kernel's map finds the first of many last.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "front.h"

#define NPMU_MINORS	BIT(MINORBITS)

static dev_t npmu_devt;
static struct cdev npmu_cdev;

/* By minor, from add to remove; its own lock protects it. */
static DEFINE_XARRAY_ALLOC(npmu_minors);

static const struct class npmu_class = {
	.name = "npmu",
};

/**
 * struct region_node - the device of a region
 * @dev: is what the kernel knows
 * @region: with a reference
 * @add_path: path of the node for devtmpfs to make it by, and
 * @del_path: to remove it by; each NULL once it was taken. Made beforehand: it asks for
 *	them when nothing may fail, and would make no node, or leave it, for want of memory
 */
struct region_node {
	struct device dev;
	struct npmu_region *region;
	char *add_path;
	char *del_path;
};

static char *region_devnode(const struct device *dev, umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	struct region_node *node = dev_get_drvdata(dev);
	struct npmu_region *region = node->region;

	if (mode)
		*mode = READ_ONCE(region->mode);
	if (uid)
		*uid = region->uid;
	if (gid)
		*gid = region->gid;
	/*
	 * Who asks frees it. The first to ask with a mode is devtmpfs, without one it is
	 * the only one. Others get NULL: the name of the device, npmu!<unit>!<region>.
	 */
	return xchg(mode ? &node->add_path : &node->del_path, NULL);
}

static const struct device_type npmu_region_type = {
	.name = "npmu_region",
	.devnode = region_devnode,
};

static void region_dev_release(struct device *dev)
{
	struct region_node *node = dev_get_drvdata(dev);

	npmu_region_put(node->region);
	kfree(node->add_path);
	kfree(node->del_path);
	kfree(node);
}

static int name_device(struct region_node *node)
{
	const char *unit = node->region->unit->name;
	const char *name = node->region->name;

	node->add_path = kasprintf(GFP_KERNEL, "npmu/%s/%s", unit, name);
	node->del_path = kasprintf(GFP_KERNEL, "npmu/%s/%s", unit, name);
	if (!node->add_path || !node->del_path)
		return -ENOMEM;
	return dev_set_name(&node->dev, "npmu!%s!%s", unit, name);
}

static int add_device(struct npmu_region *region)
{
	struct region_node *node;
	struct device *dev;
	int ret;

	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return -ENOMEM;
	node->region = npmu_region_get(region);
	dev = &node->dev;
	device_initialize(dev);
	dev->class = &npmu_class;
	dev->type = &npmu_region_type;
	dev->devt = MKDEV(MAJOR(npmu_devt), region->minor);
	dev->release = region_dev_release;
	dev_set_drvdata(dev, node);
	ret = name_device(node);
	if (!ret)
		ret = device_add(dev);
	if (ret) {
		put_device(dev);
		return ret;
	}
	region->dev = dev;
	return 0;
}

void npmu_cdev_hide(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
	if (!region->dev)
		return;
	device_del(region->dev);
	put_device(region->dev);
	region->dev = NULL;
}

int npmu_cdev_show(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
	/* A region that was removed meanwhile gets no node. */
	if (region->dev || region->minor < 0)
		return 0;
	return add_device(region);
}

int npmu_cdev_add(struct npmu_region *region)
{
	u32 minor;
	int ret;

	lockdep_assert_held(&region->lock);
	ret = xa_alloc(&npmu_minors, &minor, region, XA_LIMIT(0, NPMU_MINORS - 1), GFP_KERNEL);
	if (ret)
		return ret == -EBUSY ? -ENOSPC : ret;
	region->minor = minor;
	ret = add_device(region);
	if (ret) {
		xa_erase(&npmu_minors, minor);
		region->minor = -1;
	}
	return ret;
}

void npmu_cdev_remove(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
	if (region->minor < 0)
		return;
	npmu_cdev_hide(region);
	xa_erase(&npmu_minors, region->minor);
	region->minor = -1;
}

dev_t npmu_cdev_devt(struct npmu_region *region)
{
	int minor = READ_ONCE(region->minor);

	return minor < 0 ? 0 : MKDEV(MAJOR(npmu_devt), minor);
}

struct npmu_region *npmu_cdev_region(unsigned int minor)
{
	struct npmu_region *region;

	/* An entry is erased before the last reference goes. */
	xa_lock(&npmu_minors);
	region = xa_load(&npmu_minors, minor);
	if (region)
		npmu_region_get(region);
	xa_unlock(&npmu_minors);
	return region;
}

int npmu_cdev_init(void)
{
	int ret;

	ret = class_register(&npmu_class);
	if (ret)
		return ret;
	ret = alloc_chrdev_region(&npmu_devt, 0, NPMU_MINORS, "npmu");
	if (ret)
		goto err_class;
	cdev_init(&npmu_cdev, &npmu_fops);
	npmu_cdev.owner = THIS_MODULE;
	ret = cdev_add(&npmu_cdev, npmu_devt, NPMU_MINORS);
	if (ret)
		goto err_region;
	return 0;

err_region:
	unregister_chrdev_region(npmu_devt, NPMU_MINORS);
err_class:
	class_unregister(&npmu_class);
	return ret;
}

void npmu_cdev_exit(void)
{
	cdev_del(&npmu_cdev);
	unregister_chrdev_region(npmu_devt, NPMU_MINORS);
	class_unregister(&npmu_class);
	xa_destroy(&npmu_minors);
}

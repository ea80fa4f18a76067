// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor: the pmem devices of this host, which of them a unit can lie on, and
 * how to get one. Reads files only, and all of them through host.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "memmap.h"
#include "output.h"
#include "report.h"

#define ND	"/sys/bus/nd/devices"
#define WORDS	256

/* struct pmem - a pmem block device */
struct pmem {
	const char *name;
	char namespace[64];	/* "" when it is not known */
	char provider[64];	/* of the nvdimm bus: "e820", "ACPI.NFIT", ... */
	bool domain;		/* its region names DIMMs with a persistence domain */
	bool holds_memory;	/* a region of type nd_pmem, not nd_volatile */
	uint64_t bytes;
};

/* The component of @path that begins with @prefix and a digit, with what leads to it. */
static bool component(const char *path, const char *prefix, char name[64], char lead[PATH_MAX])
{
	const char *p = path;
	size_t len = strlen(prefix);

	while ((p = strchr(p, '/'))) {
		p++;
		if (strncmp(p, prefix, len) == 0 && p[len] >= '0' && p[len] <= '9') {
			int size = strcspn(p, "/");

			snprintf(name, 64, "%.*s", size, p);
			snprintf(lead, PATH_MAX, "%.*s", (int)(p - path) + size, path);
			return true;
		}
	}
	return false;
}

/* What claims a namespace (a pfn or btt device) names it in a file of its own. */
static void find_namespace(struct pmem *pmem, const char *path)
{
	static const char *const claims[] = { "pfn", "btt", "dax" };
	char lead[PATH_MAX], file[PATH_MAX], name[64];
	size_t i;

	if (component(path, "namespace", pmem->namespace, lead))
		return;
	for (i = 0; i < 3; i++)
		if (component(path, claims[i], name, lead) &&
		    host_line(pmem->namespace, sizeof(pmem->namespace),
			      host_path(file, "%s/namespace", lead)))
			return;
}

static void look_at(struct pmem *pmem, const char *name)
{
	char path[PATH_MAX], lead[PATH_MAX], file[PATH_MAX], part[64], line[64];

	memset(pmem, 0, sizeof(*pmem));
	pmem->name = name;
	if (host_line(line, sizeof(line), host_path(file, "/sys/block/%s/size", name)))
		pmem->bytes = strtoull(line, NULL, 10) * 512;
	if (!host_resolve(path, host_path(file, "/sys/block/%s", name)))
		return;
	find_namespace(pmem, path);
	if (component(path, "ndbus", part, lead))
		host_line(pmem->provider, sizeof(pmem->provider),
			  host_path(file, "%s/provider", lead));
	if (component(path, "region", part, lead)) {
		char *uevent = host_text(host_path(file, "%s/uevent", lead));

		/* The kernel shows deep_flush where the region has a domain. */
		pmem->domain = host_exists(host_path(file, "%s/deep_flush", lead));
		pmem->holds_memory = !uevent || !strstr(uevent, "nd_volatile");
		free(uevent);
	}
}

/* Is a line of mountinfo about the device or a partition of it? */
static bool about(const struct pmem *pmem, const char *number, const char *source)
{
	size_t len = strlen(pmem->name);
	char path[PATH_MAX], dev[32];
	char **parts;
	size_t nr, i;
	bool same;

	if (strncmp(source, pmem->name, len) == 0 && (source[len] == '\0' || source[len] == 'p'))
		return true;
	/* The source is what mount(2) was told, perhaps another name of it. */
	same = host_line(dev, sizeof(dev), host_path(path, "/sys/block/%s/dev", pmem->name)) &&
	       strcmp(dev, number) == 0;
	nr = host_list(&parts, host_path(path, "/sys/block/%s", pmem->name), pmem->name);
	for (i = 0; i < nr && !same; i++)
		same = host_line(dev, sizeof(dev), host_path(path, "/sys/block/%s/%s/dev",
							     pmem->name, parts[i])) &&
		       strcmp(dev, number) == 0;
	host_list_free(parts, nr);
	return same;
}

/* Where the device or a partition of it is mounted. */
static bool mounted(const struct pmem *pmem, char where[PATH_MAX])
{
	char *text = host_text("/proc/self/mountinfo");
	char *save = NULL;
	bool found = false;
	char *line;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *rest = strstr(line, " - ");
		char number[32], source[256] = "";

		if (!rest || sscanf(line, "%*s %*s %31s %*s %4095s", number, where) != 2)
			continue;
		sscanf(rest, " - %*s /dev/%255s", source);
		found = about(pmem, number, source);
	}
	free(text);
	return found;
}

/* Is the device in use by something that shows? Says so. */
static bool report_use(struct report *report, const struct pmem *pmem)
{
	char path[PATH_MAX], where[PATH_MAX], mend[PATH_MAX + 64];
	char **names;
	size_t nr;

	if (mounted(pmem, where)) {
		snprintf(mend, sizeof(mend), "umount %s, if a unit is to lie on it", where);
		report_add(report, WARN, pmem->name, mend, "/dev/%s is mounted on %s",
			   pmem->name, where);
		return true;
	}
	nr = host_list(&names, host_path(path, "/sys/block/%s/holders", pmem->name), "");
	if (nr) {
		snprintf(mend, sizeof(mend), "see 'lsblk /dev/%s' and take %s apart, if a unit is to lie on it",
			 pmem->name, names[0]);
		report_add(report, WARN, pmem->name, mend, "/dev/%s is held by %s", pmem->name,
			   names[0]);
	}
	host_list_free(names, nr);
	return nr != 0;
}

/* Does something keep a unit from lying on the device? What, and what mends it. */
static bool unfit(const struct pmem *pmem, char cause[WORDS], char mend[WORDS])
{
	const char *namespace = *pmem->namespace ? pmem->namespace : "NAMESPACE";
	const char *name = pmem->name;
	char path[PATH_MAX], dax[64], ro[64];

	host_line(dax, sizeof(dax), host_path(path, "/sys/block/%s/queue/dax", name));
	host_line(ro, sizeof(ro), host_path(path, "/sys/block/%s/ro", name));
	if (strcmp(pmem->provider, "virtio-pmem") == 0) {
		snprintf(cause, WORDS, "/dev/%s is virtio-pmem, which persists only by a flush of the whole device: npmu refuses it",
			 name);
		snprintf(mend, WORDS, "use memmap= pmem or an NVDIMM (QEMU: -device nvdimm) instead");
	} else if (strcmp(dax, "1") != 0) {
		snprintf(cause, WORDS, "/dev/%s has no DAX: its namespace is in %s mode, not fsdax",
			 name, name[strlen(name) - 1] == 's' ? "sector" : "raw");
		snprintf(mend, WORDS, "ndctl create-namespace -f -e %s -m fsdax (what it holds is lost)",
			 namespace);
	} else if (strcmp(ro, "1") == 0) {
		snprintf(cause, WORDS, "/dev/%s is read-only", name);
		snprintf(mend, WORDS, "blockdev --setrw /dev/%s", name);
	} else if (pmem->bytes < NPMU_MIN_UNIT_SIZE) {
		snprintf(cause, WORDS, "/dev/%s is smaller than the smallest unit, 4 MiB", name);
		snprintf(mend, WORDS, "make %s larger (ndctl create-namespace)", namespace);
	} else {
		return false;
	}
	return true;
}

/* How many devices a unit can lie on. */
static size_t count_fit(char **names, size_t nr)
{
	char cause[WORDS], mend[WORDS];
	struct pmem pmem;
	size_t fit = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		look_at(&pmem, names[i]);
		fit += !unfit(&pmem, cause, mend);
	}
	return fit;
}

static void check_device(struct report *report, const char *name, enum state if_unfit)
{
	char path[PATH_MAX], line[64], size[32], cause[WORDS], mend[WORDS];
	const char *class;
	struct pmem pmem;

	look_at(&pmem, name);
	if (unfit(&pmem, cause, mend)) {
		report_add(report, if_unfit, name, mend, "%s", cause);
		return;
	}
	if (report_use(report, &pmem))
		return;
	format_size(pmem.bytes, size, sizeof(size));
	if (!pmem.holds_memory)
		class = "class volatile";
	else if (pmem.domain)
		class = "class persistent: survives a power cut";
	else if (strcmp(pmem.provider, "e820") == 0)
		class = "memmap= DRAM, class warm: survives a crash of the operating system, not a power cut";
	else
		class = "no known persistence domain, class warm: survives a crash of the operating system, not a power cut";
	if (host_line(line, sizeof(line), host_path(path, "/sys/block/%s/badblocks", name)) &&
	    *line) {
		snprintf(mend, sizeof(mend), "ndctl clear-errors %s (what lay there is lost)",
			 *pmem.namespace ? pmem.namespace : "NAMESPACE");
		report_add(report, WARN, name, mend, "/dev/%s, %s, has bad blocks (%s)", name,
			   size, class);
		return;
	}
	report_add(report, OK, name, NULL, "/dev/%s, %s, %s", name, size, class);
}

/* Namespaces that show no block device at all. Returns how many there are. */
static size_t check_namespaces(struct report *report, enum state if_unfit)
{
	char path[PATH_MAX], mode[32], size[32], mend[160];
	size_t found = 0;
	char **names;
	size_t nr = host_list(&names, ND, "namespace");
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!host_line(size, sizeof(size), host_path(path, ND "/%s/size", names[i])) ||
		    strcmp(size, "0") == 0 || strcmp(size, "0x0") == 0)
			continue;
		found++;
		host_line(mode, sizeof(mode), host_path(path, ND "/%s/mode", names[i]));
		if (strcmp(mode, "dax") != 0)
			continue;
		snprintf(mend, sizeof(mend),
			 "ndctl create-namespace -f -e %s -m fsdax (what it holds is lost)", names[i]);
		report_add(report, if_unfit, names[i], mend,
			   "in devdax mode: a unit needs fsdax mode");
	}
	host_list_free(names, nr);
	return found;
}

/* The firmware's list of memory as text in the form of /proc/iomem; it hides nothing. */
static char *firmware_memory(void)
{
	char path[PATH_MAX], start[32], end[32], type[64];
	char **names;
	size_t nr = host_list(&names, "/sys/firmware/memmap", "");
	char *text = calloc(nr + 1, 140);
	char *at = text;
	size_t i;

	for (i = 0; text && i < nr; i++) {
		const char *dir = "/sys/firmware/memmap";

		if (host_line(start, sizeof(start), host_path(path, "%s/%s/start", dir, names[i])) &&
		    host_line(end, sizeof(end), host_path(path, "%s/%s/end", dir, names[i])) &&
		    host_line(type, sizeof(type), host_path(path, "%s/%s/type", dir, names[i])))
			at += sprintf(at, "%s-%s : %s\n", start, end, type);
	}
	host_list_free(names, nr);
	return text;
}

static const char *suggest(uint64_t *start, uint64_t *size)
{
	char *text = host_text("/proc/iomem");
	const char *why = text ? memmap_suggest(text, start, size) : "/proc/iomem cannot be read";

	free(text);
	if (!why)
		return NULL;
	text = firmware_memory();
	if (text && !memmap_suggest(text, start, size))
		why = NULL;
	free(text);
	return why;
}

/* How this host's boot loader is told. */
static const char *how_to_boot(void)
{
	if (host_exists("/etc/default/grub") && host_exists("/usr/sbin/update-grub"))
		return "to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, reboot";
	if (host_exists("/etc/default/grub"))
		return "to GRUB_CMDLINE_LINUX in /etc/default/grub, run grub2-mkconfig -o /boot/grub2/grub.cfg, reboot";
	if (host_exists("/etc/kernel/cmdline"))
		return "to /etc/kernel/cmdline, run kernel-install add-all, reboot";
	return "to the kernel command line in the boot loader's configuration (/etc/default/grub and update-grub on Debian), reboot";
}

/* memmap=nn!ss is asked for already? */
static bool asked_for_memmap(void)
{
	char *cmdline = host_text("/proc/cmdline");
	const char *p = cmdline;
	bool found = false;

	while (p && !found && (p = strstr(p, "memmap="))) {
		size_t len = strcspn(p, " \n");

		found = memchr(p, '!', len);
		p += len;
	}
	free(cmdline);
	return found;
}

static void report_none(struct report *report)
{
	char mend[512], size_text[32], start_text[32];
	uint64_t start, size;
	const char *why;

	if (asked_for_memmap()) {
		report_add(report, FAIL, "pmem",
			   "modprobe nd_pmem; see 'grep Persistent /proc/iomem' and 'dmesg | grep -i nd_'",
			   "memmap= is on the kernel command line, but no pmem device came of it");
		return;
	}
	why = suggest(&start, &size);
	if (why) {
		report_add(report, FAIL, "pmem",
			   "install an NVDIMM, or run this as root on the host itself for a memmap= line; for trials: " PROGRAM " unit attach --dram 64M --name d0",
			   "no pmem device, and no memmap= line can be computed here: %s", why);
		return;
	}
	format_size(size, size_text, sizeof(size_text));
	format_size(start, start_text, sizeof(start_text));
	snprintf(mend, sizeof(mend),
		 "install an NVDIMM, or add memmap=%s!%s %s. That range survives a crash of the operating system and a reboot that keeps memory, but no power cut. For trials: " PROGRAM " unit attach --dram 64M --name d0",
		 size_text, start_text, how_to_boot());
	report_add(report, FAIL, "pmem", mend, "no pmem device: only volatile units can be made");
}

void doctor_pmem(struct report *report)
{
	char **names;
	size_t nr = host_list(&names, "/sys/block", "pmem");
	/* Where one device is fit, the others may serve another purpose. */
	enum state if_unfit = count_fit(names, nr) ? WARN : FAIL;
	size_t namespaces = check_namespaces(report, if_unfit);
	size_t i;

	for (i = 0; i < nr; i++)
		check_device(report, names[i], if_unfit);
	host_list_free(names, nr);
	if (nr == 0 && namespaces == 0)
		report_none(report);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor: the host itself: CPU, privilege, module, /dev. Reads files only, and
 * all of them through host.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "report.h"

#define CAP_SYS_ADMIN_BIT	21

/* Is @word one of the words of @line (to the end of the line)? */
static bool has_word(const char *line, const char *word)
{
	size_t line_len = strcspn(line, "\n");
	size_t len = strlen(word);
	const char *p = line;

	while ((p = strstr(p, word)) && p < line + line_len) {
		if ((p == line || strchr(" \t:", p[-1])) &&
		    (p[len] == '\0' || strchr(" \t\n", p[len])))
			return true;
		p += len;
	}
	return false;
}

static void check_cpu(struct report *report)
{
	char *text = host_text("/proc/cpuinfo");
	const char *flags = text ? strstr(text, "flags\t") : NULL;

	/* At the beginning of a line: there are "vmx flags" too. */
	while (flags && flags != text && flags[-1] != '\n')
		flags = strstr(flags + 1, "flags\t");
	if (!flags)
		report_add(report, WARN, "cpu", NULL,
			   "no x86 feature flags: the library persists by system calls here");
	else if (has_word(flags, "clwb"))
		report_add(report, OK, "cpu", NULL, "writes caches back by clwb");
	else if (has_word(flags, "clflushopt"))
		report_add(report, OK, "cpu", NULL, "writes caches back by clflushopt");
	else if (has_word(flags, "clflush"))
		report_add(report, WARN, "cpu",
			   "in a virtual machine, give it the host's CPU model (QEMU: -cpu host)",
			   "neither clwb nor clflushopt: clflush works, but slowly");
	else
		report_add(report, FAIL, "cpu", NULL, "no instruction writes caches back");
	free(text);
}

static void check_privilege(struct report *report)
{
	char *status = host_text("/proc/self/status");
	const char *line = status ? strstr(status, "CapEff:") : NULL;
	unsigned long long caps = line ? strtoull(line + strlen("CapEff:"), NULL, 16) : 0;
	unsigned long long inside = 0, outside = 0, count = 0;
	char map[80];

	free(status);
	if (!(caps >> CAP_SYS_ADMIN_BIT & 1)) {
		report_add(report, WARN, "privilege", "run as root",
			   "without CAP_SYS_ADMIN nothing can be changed, and some checks see less");
		return;
	}
	/* Capabilities in a user namespace of one's own do not count. */
	if (host_line(map, sizeof(map), "/proc/self/uid_map") &&
	    sscanf(map, "%llu %llu %llu", &inside, &outside, &count) == 3 &&
	    (inside || outside || count < 0xffffffffULL)) {
		report_add(report, WARN, "privilege", "run on the host itself",
			   "this is a user namespace (a container): its CAP_SYS_ADMIN changes nothing here");
		return;
	}
	report_add(report, OK, "privilege", NULL, "CAP_SYS_ADMIN");
}

/* Does depmod know the module for this kernel release? */
static bool module_installed(const char *release)
{
	char path[PATH_MAX];
	char *dep = host_text(host_path(path, "/lib/modules/%s/modules.dep", release));
	bool found = dep && strstr(dep, "/npmu.ko");

	free(dep);
	return found;
}

/* Another kernel the module is installed for, or false. */
static bool installed_elsewhere(char *release, size_t len)
{
	char **names;
	size_t nr = host_list(&names, "/lib/modules", "");
	bool found = false;
	size_t i;

	for (i = 0; i < nr && !found; i++) {
		found = module_installed(names[i]);
		if (found)
			snprintf(release, len, "%s", names[i]);
	}
	host_list_free(names, nr);
	return found;
}

static void report_not_installed(struct report *report, const char *release)
{
	char other[128];
	char mend[512];
	char path[PATH_MAX];

	if (host_exists("/var/lib/dkms/npmu")) {
		snprintf(mend, sizeof(mend),
			 "apt install linux-headers-%s && dkms autoinstall -k %s && modprobe npmu",
			 release, release);
		report_add(report, FAIL, "module", mend,
			   "npmu is not built for the running kernel %s, though DKMS has its source",
			   release);
		return;
	}
	if (installed_elsewhere(other, sizeof(other))) {
		snprintf(mend, sizeof(mend), "boot %s, or in npmu's source 'make install' for %s",
			 other, release);
		report_add(report, FAIL, "module", mend,
			   "npmu is installed for kernel %s, but %s is running", other, release);
		return;
	}
	if (!host_exists(host_path(path, "/lib/modules/%s/build", release)))
		snprintf(mend, sizeof(mend),
			 "apt install linux-headers-%s, then in npmu's source 'make && make install', then modprobe npmu",
			 release);
	else
		snprintf(mend, sizeof(mend),
			 "in npmu's source 'make && make install', then modprobe npmu");
	report_add(report, FAIL, "module", mend,
		   "npmu is neither loaded nor installed for kernel %s", release);
}

static bool module_loaded(void)
{
	char *modules = host_text("/proc/modules");
	bool loaded = modules && (strncmp(modules, "npmu ", 5) == 0 ||
				  strstr(modules, "\nnpmu "));

	free(modules);
	/* Built into the kernel it is in no list, but it has its directory. */
	return loaded || host_exists("/sys/module/npmu");
}

static void check_module(struct report *report)
{
	char release[128];
	char lockdown[128];

	if (module_loaded()) {
		report_add(report, OK, "module", NULL, "npmu is loaded");
		return;
	}
	host_line(release, sizeof(release), "/proc/sys/kernel/osrelease");
	if (module_installed(release))
		report_add(report, FAIL, "module", "modprobe npmu",
			   "npmu is installed but not loaded");
	else
		report_not_installed(report, release);
	if (host_line(lockdown, sizeof(lockdown), "/sys/kernel/security/lockdown") &&
	    !strstr(lockdown, "[none]"))
		report_add(report, WARN, "lockdown",
			   "sign npmu.ko with a key enrolled by 'mokutil --import', or turn Secure Boot off",
			   "the kernel is locked down: it loads signed modules only");
}

/* Is /dev a devtmpfs, where the kernel makes the nodes of regions? */
static bool dev_is_devtmpfs(void)
{
	char *text = host_text("/proc/self/mountinfo");
	char *save = NULL;
	bool found = false;
	char *line;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		char where[256], type[64];
		const char *rest = strstr(line, " - ");

		/* The last one mounted there counts. */
		if (rest && sscanf(line, "%*s %*s %*s %*s %255s", where) == 1 &&
		    strcmp(where, "/dev") == 0 && sscanf(rest, " - %63s", type) == 1)
			found = strcmp(type, "devtmpfs") == 0;
	}
	free(text);
	return found;
}

static void check_dev(struct report *report)
{
	if (!dev_is_devtmpfs())
		report_add(report, WARN, "dev",
			   "on the host: mount -t devtmpfs devtmpfs /dev; in a container: pass the node of the region into it",
			   "/dev is not a devtmpfs: nodes of regions do not appear by themselves");
	else if (host_exists("/dev/npmu"))
		report_add(report, OK, "dev", NULL, "/dev/npmu is there");
	else
		report_add(report, OK, "dev", NULL,
			   "/dev is a devtmpfs; /dev/npmu comes with the first region");
}

void doctor_host(struct report *report)
{
	check_cpu(report);
	check_privilege(report);
	check_module(report);
	check_dev(report);
}

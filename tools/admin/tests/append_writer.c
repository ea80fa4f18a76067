// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For tests: a writer of the append form in a plain file. Each line of standard input,
 * "base TEXT" or "update TEXT", is committed with the tag 7; then its first word is printed.
 * The ring has the least size there is, so it is full soon: a base makes room.
 */
#include <stdio.h>
#include <string.h>

#include <npmu/append.h>

int main(int argc, char **argv)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.ring_size = NPMU_CKPT_MIN_RING,
	};
	struct npmu_append_writer *writer;
	struct npmu_region *region;
	struct npmu_error err;
	char line[1024];

	if (argc != 2 || npmu_region_open_file(argv[1], NPMU_OPEN_WRITE, &region, &err))
		return 2;
	if (npmu_region_claim(region, NULL) || npmu_region_map(region, NPMU_MAP_WRITE) ||
	    npmu_append_writer_open(region, &options, &writer, &err))
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		char *text = strchr(line, ' ') + 1;
		struct iovec iov = { text, strcspn(text, "\n") };
		int code = line[0] == 'b' ? npmu_append_base(writer, &iov, 1, 7) :
					    npmu_append_update(writer, &iov, 1, 7);

		if (code)
			return fprintf(stderr, "%s\n", npmu_append_writer_error(writer)), 1;
		text[-1] = 0;
		puts(line);
		fflush(stdout);
	}
	npmu_append_writer_close(writer);
	npmu_region_close(region);
	return 0;
}

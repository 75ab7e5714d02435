/* A slow disk: preloaded (LD_PRELOAD), every fsync and fdatasync takes SLOWSYNC_US microseconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_longer(void)
{
	const char *longer = getenv("SLOWSYNC_US");

	if (longer)
		usleep(atoi(longer));
}

int fsync(int fd)
{
	wait_longer();
	return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd)
{
	wait_longer();
	return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

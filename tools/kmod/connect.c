/* SPDX-License-Identifier: MIT */
/* See connect.h. */
#include "connect.h"

#include <errno.h>
#include <string.h>

#include <tenon/err.h>

bool connect_option(struct connection *c, int option, const char *arg)
{
	switch (option) {
	case CONNECT_KERNEL: c->kernel = true; return true;
	case CONNECT_WHERE: c->where = arg; return true;
	default: return false;
	}
}

int connect_try(struct connection *c, const struct backends *backends)
{
	const struct backend_ops *ops =
	    c->kernel ? backends->kernel : backends->host;
	int err = -TN_ENOENT;

	c->why.text[0] = '\0';
	if (ops != NULL)
		err = ops->open(c->where, &c->be, &c->why);
	if (err == 0)
		c->ops = ops;
	return err;
}

void connect_tell(const struct connection *c, int err, const struct report *r)
{
	if (c->kernel)
		report(r, REPORT_ERROR,
		    "the running kernel takes no modules: %s", strerror(-err));
	else
		report(r, REPORT_ERROR, "%s%s",
		    c->why.text[0] != '\0' ? c->why.text
					   : "no module host answers",
		    err == -ENOENT || err == -ECONNREFUSED
			? ": start one with `tenon host`, or give --kernel"
			: "");
}

int connect_open(struct connection *c, const struct backends *backends,
    const struct report *r)
{
	const int err = connect_try(c, backends);

	if (err != 0)
		connect_tell(c, err, r);
	return err;
}

void connect_close(struct connection *c)
{
	if (c->ops != NULL)
		c->ops->close(c->be);
	c->ops = NULL;
}

void connect_explain(const struct connection *c, const struct report *r)
{
	if (c->why.text[0] != '\0')
		report(r, REPORT_ERROR, "%s", c->why.text);
}

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A C++ program includes the header, as C++11 and as C++20, links
# with both libraries, and its callbacks are called.
set -eu

cxx=${CXX:-}
for name in g++ clang++ c++; do
	[ -n "$cxx" ] || ! command -v $name >/dev/null || cxx=$name
done
[ -n "$cxx" ] || {
	echo "there is no C++ compiler"
	exit 77
}
dir=$(mktemp -d /tmp/sdk_cxx.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

cat >"$dir/program.cc" <<'END'
#include <appvss.h>

#include <string>

namespace {

struct Program {
	std::string text;
	int error;
};

appvss_answer
on_freeze(appvss_participant *, const appvss_request *request, void *)
{
	return request->operation == APPVSS_FREEZE ? APPVSS_READY : APPVSS_FAIL;
}

void
on_end(appvss *handle, const appvss_end *end, void *arg)
{
	Program *program = static_cast<Program *>(arg);

	program->error = end->error;
	program->text = end->text;
	appvss_stop(handle);
}

}

int
main()
{
	Program program = { "", APPVSS_OK };
	appvss_callbacks callbacks = appvss_callbacks();
	appvss_query_callbacks ends = appvss_query_callbacks();
	appvss_participant *participant;
	appvss_options options;
	appvss_query query;
	appvss *handle;

	appvss_options_init(&options);
	options.name = "cxx";
	callbacks.freeze = on_freeze;
	callbacks.thaw = on_freeze;
	ends.end = on_end;
	if (appvss_open(&handle, "/nonexistent/socket") != APPVSS_OK ||
	    appvss_register(handle, &options, &callbacks, &program,
	        &participant) != APPVSS_OK)
		return 1;
	appvss_query_init(&query, APPVSS_ASK_STATUS);
	if (appvss_ask(handle, &query, &ends, &program) != APPVSS_OK ||
	    appvss_run(handle) != APPVSS_OK)
		return 2;
	appvss_close(handle);
	return program.error == APPVSS_E_UNAVAILABLE &&
	    program.text.find("/nonexistent/socket") == 0 ? 0 : 3;
}
END
for standard in c++11 c++20; do
	for library in sdk/libappvss.so sdk/libappvss.a; do
		# shellcheck disable=SC2086
		$cxx -std=$standard -Wall -Wextra -Werror -pedantic \
			${SANFLAGS:-} \
			-Isdk -o "$dir/program" "$dir/program.cc" \
			$library -lpthread
		LD_LIBRARY_PATH=sdk "$dir/program"
	done
done
echo "C++: $cxx builds and runs it as C++11 and as C++20"

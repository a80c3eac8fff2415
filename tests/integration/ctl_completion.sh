#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every command and option of appvssctl --help is completed by bash, zsh and fish,
# with the commands that it belongs to; shells that are not here are only read.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh

ctl=appvssd/appvssctl/appvssctl
dir=appvssd/appvssctl/completion
LC_ALL=C
export LC_ALL
"$ctl" --help >"$TEST_DIR/help"
# "  name  ARGUMENTS  what it does", but not the options.
commands=$(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' "$TEST_DIR/help")
[ "$(echo "$commands" | wc -w)" -ge 16 ] || die "commands: $commands"
for command in $commands; do
	"$ctl" "$command" --help >"$TEST_DIR/help"
	options=$(grep -Eo -- '--[a-z][a-z-]*' "$TEST_DIR/help" | sort -u)
	for option in $options; do
		printf '%s %s\n' "$command" "$option"
	done
done >"$TEST_DIR/wanted"
grep -qx -- 'history --since' "$TEST_DIR/wanted" || die "no options are found"
# --app is named in the help of --stats, which is history's, and so on: what help
# names is what can be said.

say "bash"
# Completes the words behind appvssctl, of which the last is not complete.
complete_bash() {
	bash -c '
. "$1"
shift
COMP_WORDS=(appvssctl "$@")
COMP_CWORD=$#
_appvssctl
printf "%s\n" "${COMPREPLY[@]}"' bash "$dir/appvssctl.bash" "$@"
}
if command -v bash >/dev/null; then
	complete_bash '' | sort >"$TEST_DIR/bash"
	echo "$commands" | sort | diff "$TEST_DIR/bash" - ||
		die "bash (<) does not know all commands (>)"
	while read -r command option; do
		complete_bash "$command" -- 2>/dev/null >"$TEST_DIR/bash"
		complete_bash "$command" "$option" >"$TEST_DIR/bash"
		grep -qx -- "$option" "$TEST_DIR/bash" ||
			die "bash does not complete $command $option"
	done <"$TEST_DIR/wanted"
	[ "$(complete_bash history --outcome exp)" = expired ] || die "--outcome"
	[ "$(complete_bash --json show l)" = last ] || die "show last"
	[ -z "$(complete_bash status --svg)" ] || die "status has no --svg"
	complete_bash run -- ech | grep -qx echo || die "run -- COMMAND"
fi

say "zsh and fish"
# From the word of the command in a case to its end, and what all have.
zsh_of() {
	sed -n '/^	common=(/,/^	)/p' "$dir/_appvssctl"
	sed -n "/^		$1)/,/^			;;/p" "$dir/_appvssctl" |
		awk '{ print } / ;;$/ || /^\t\t\t;;$/ { exit }' |
		while IFS= read -r line; do
			printf '%s\n' "$line"
			case $line in *\$filters*)
				sed -n '/^	filters=(/,/^	)/p' "$dir/_appvssctl"
				;;
			esac
			case $line in *\$hold*)
				sed -n '/^	hold=(/,/^	)/p' "$dir/_appvssctl"
				;;
			esac
		done
}
while read -r command option; do
	word=${option#--}
	zsh_of "$command" | grep -Eq -- "${option}[[{',}]" ||
		die "zsh does not complete $command $option"
	grep -E -- " -l $word( |\$)" "$dir/appvssctl.fish" |
		grep -Eq -- "from [a-z ]*\\b$command\\b|appvssctl -l " ||
		die "fish does not complete $command $option"
done <"$TEST_DIR/wanted"
for command in $commands; do
	grep -q "^		'$command:" "$dir/_appvssctl" ||
		die "zsh does not know $command"
	grep -q -- "-a $command " "$dir/appvssctl.fish" ||
		die "fish does not know $command"
done
! command -v zsh >/dev/null || zsh -n "$dir/_appvssctl"
if command -v fish >/dev/null; then
	fish -c "source $dir/appvssctl.fish; complete -C 'appvssctl history --out'" |
		grep -q -- --outcome || die "fish"
fi
say "ok"

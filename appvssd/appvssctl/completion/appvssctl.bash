# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Completion of appvssctl(8) for bash.

_appvssctl_options() {
	case $1 in
	last | show) echo "--svg" ;;
	history)
		echo "--limit --since --until --outcome --consistency --app" \
			"--source --stats"
		;;
	provenance) echo "--live" ;;
	watch) echo "--limit" ;;
	doctor) echo "--config --daemon-config --runtime-dir --hooks-dir" ;;
	check) echo "--warning --critical --source" ;;
	metrics) echo "--output" ;;
	drill) echo "--fs --runtime-dir --repeat --hold --require-application" ;;
	run | freeze) echo "--hold --require-application" ;;
	esac
	echo "--socket --history --json --help --version"
}

_appvssctl_apps() {
	appvssctl apps 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }'
}

# The words that may follow an option; false: it has no value.
_appvssctl_value() {
	local cur=$2

	case $1 in
	--socket | --history | --svg | --output | --config | --daemon-config)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	--fs | --runtime-dir | --hooks-dir)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	--outcome)
		mapfile -t COMPREPLY < <(compgen -W "done aborted expired
			superseded lost interrupted held unfinished" -- "$cur")
		;;
	--consistency)
		mapfile -t COMPREPLY < <(compgen -W \
			"application filesystem none" -- "$cur")
		;;
	--source)
		mapfile -t COMPREPLY < <(compgen -W "device requestor" -- "$cur")
		;;
	--app)
		mapfile -t COMPREPLY < <(compgen -W "$(_appvssctl_apps)" \
			-- "$cur")
		;;
	-n | --limit | --since | --until | --warning | --critical | --hold | \
		--repeat) ;;
	*) return 1 ;;
	esac
}

_appvssctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="last history show provenance status apps watch doctor
		check metrics drill run freeze thaw forget reload"
	local command='' i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
			return
			;;
		-*) ;;
		*)
			case " ${commands//[$'\n\t']/ } " in
			*" ${COMP_WORDS[i]} "*)
				[ -n "$command" ] || command=${COMP_WORDS[i]}
				;;
			esac
			;;
		esac
	done
	_appvssctl_value "$prev" "$cur" && return
	case $command,$cur in
	*,-*)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_appvssctl_options "$command")" -- "$cur")
		;;
	,*) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
	show,*) mapfile -t COMPREPLY < <(compgen -W last -- "$cur") ;;
	forget,*)
		mapfile -t COMPREPLY < <(compgen -W "$(_appvssctl_apps)" \
			-- "$cur")
		;;
	esac
}

complete -F _appvssctl appvssctl

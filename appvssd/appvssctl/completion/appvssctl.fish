# SPDX-License-Identifier: BSD-2-Clause
# Completion of appvssctl(8) for fish.

function __appvssctl_apps
    appvssctl apps 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }'
end

set -l commands last history show provenance status apps watch doctor check metrics drill run freeze thaw forget reload
set -l none "not __fish_seen_subcommand_from $commands"

complete -c appvssctl -f
complete -c appvssctl -l socket -r -F -d 'of appvssd'
complete -c appvssctl -l history -r -F -d 'the file'
complete -c appvssctl -l json -d 'one JSON object a line'
complete -c appvssctl -l help -d 'help, of a command as well'
complete -c appvssctl -l version -d 'the version'

complete -c appvssctl -n $none -a last -d 'the newest snapshot, and why it is what it is'
complete -c appvssctl -n $none -a history -d 'the newest transactions, one a line'
complete -c appvssctl -n $none -a show -d 'one transaction, the same way'
complete -c appvssctl -n $none -a provenance -d 'what the history says of its disk'
complete -c appvssctl -n $none -a status -d 'what appvssd is doing'
complete -c appvssctl -n $none -a apps -d 'the participants alone'
complete -c appvssctl -n $none -a watch -d 'every event as it happens'
complete -c appvssctl -n $none -a doctor -d 'what would make the next snapshot fail'
complete -c appvssctl -n $none -a check -d 'a plugin for monitoring'
complete -c appvssctl -n $none -a metrics -d 'OpenMetrics text'
complete -c appvssctl -n $none -a drill -d 'rehearse: freeze and thaw the applications'
complete -c appvssctl -n $none -a run -d 'freeze the applications, run a command'
complete -c appvssctl -n $none -a freeze -d 'freeze the applications until thaw'
complete -c appvssctl -n $none -a thaw -d 'end what freeze began'
complete -c appvssctl -n $none -a forget -d 'forget a participant'
complete -c appvssctl -n $none -a reload -d 'read the configuration again'

complete -c appvssctl -n '__fish_seen_subcommand_from last show' -l svg -r -F -d 'a picture'
complete -c appvssctl -n '__fish_seen_subcommand_from show' -a last
complete -c appvssctl -n '__fish_seen_subcommand_from history watch' -s n -l limit -x -d 'that many'
complete -c appvssctl -n '__fish_seen_subcommand_from history' -l since -x -d 'not before'
complete -c appvssctl -n '__fish_seen_subcommand_from history' -l until -x -d 'not after'
complete -c appvssctl -n '__fish_seen_subcommand_from history' -l outcome -x -a 'done aborted expired superseded lost interrupted held unfinished'
complete -c appvssctl -n '__fish_seen_subcommand_from history' -l consistency -x -a 'application filesystem none'
complete -c appvssctl -n '__fish_seen_subcommand_from history' -l app -x -a '(__appvssctl_apps)'
complete -c appvssctl -n '__fish_seen_subcommand_from history check' -l source -x -a 'device requestor'
complete -c appvssctl -n '__fish_seen_subcommand_from history' -l stats -d 'how long --app took, day by day'
complete -c appvssctl -n '__fish_seen_subcommand_from provenance' -l live -d 'compare with this machine'
complete -c appvssctl -n '__fish_seen_subcommand_from doctor' -l config -r -F -d 'of appvssd'
complete -c appvssctl -n '__fish_seen_subcommand_from doctor' -l daemon-config -r -F -d 'of hv_vss_daemon'
complete -c appvssctl -n '__fish_seen_subcommand_from doctor' -l hooks-dir -x -a '(__fish_complete_directories)'
complete -c appvssctl -n '__fish_seen_subcommand_from doctor drill' -l runtime-dir -x -a '(__fish_complete_directories)'
complete -c appvssctl -n '__fish_seen_subcommand_from check' -l warning -x -d age
complete -c appvssctl -n '__fish_seen_subcommand_from check' -l critical -x -d age
complete -c appvssctl -n '__fish_seen_subcommand_from metrics' -l output -r -F -d 'replaced as a whole'
complete -c appvssctl -n '__fish_seen_subcommand_from drill' -l fs -x -a '(__fish_complete_directories)'
complete -c appvssctl -n '__fish_seen_subcommand_from drill' -l repeat -x -d times
complete -c appvssctl -n '__fish_seen_subcommand_from drill run freeze' -l hold -x -d seconds
complete -c appvssctl -n '__fish_seen_subcommand_from drill run freeze' -l require-application -d 'no less will do'
complete -c appvssctl -n '__fish_seen_subcommand_from forget' -a '(__appvssctl_apps)'

#!/bin/sh
# Keeps a PostgreSQL cluster in directory $1 with the programs in $2, for the
# process at the other end of its stdin: it obeys one order a line and answers
# with ok or failed. When that process ends, whatever ended it, the cluster ends
# too and its directory goes.
trap '' PIPE
dir=$1 bin=$2 pid=

end() {
	[ -n "$pid" ] || return 0
	kill -s "$1" "$pid"
	wait "$pid"
	pid=
}

while read -r order; do
	case $order in
	init)
		"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --data-checksums --no-sync
		;;
	start)
		[ -z "$pid" ] && {
			"$bin/postgres" -D "$dir/data" -k "$dir" -p 5432 -c listen_addresses= -c max_connections=200 \
				-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c timezone=UTC &
			pid=$!
		}
		;;
	*) end "$order" ;; # a signal: INT stops it, QUIT kills it at once
	esac >>"$dir/log" 2>&1 && echo ok || echo failed
done
end QUIT
rm -rf "$dir"

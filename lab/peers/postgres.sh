#!/bin/bash
# A PostgreSQL server with a fresh cluster: postgres.sh PROGRAMS STATE PORT USER SETTING...
# USER is who it runs as ("" = the caller). Ends when standard input closes.
set -eu
programs=$1 state=$2 port=$3 user=$4
shift 4
as=()
if [ -n "$user" ]; then
    as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
    chown "$user" "$state"
fi
[ -d "$programs" ] || programs=$(dirname "$(ls -1 /usr/lib/postgresql/*/bin/initdb | tail -n 1)")
cd "$state"
echo oss >secret
"${as[@]}" "$programs/initdb" -D "$state/data" -U oss -A scram-sha-256 --pwfile="$state/secret" -E UTF8 \
    --locale=C.UTF-8 --no-sync
options=()
for setting in "unix_socket_directories=$state" "$@"; do options+=(-c "$setting"); done
"${as[@]}" "$programs/postgres" -D "$state/data" -p "$port" "${options[@]}" </dev/null &
cat >/dev/null
kill -QUIT $! # immediate: its data is thrown away
wait

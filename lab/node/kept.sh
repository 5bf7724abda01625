# shellcheck shell=bash
# Sourced: keeps a daemon running, as a router's own watchdog does. What falls is started again after a moment, and
# the log says so; what falls five times within a minute stays down, and the log says that.

kept_log=${LAB_KEPT_LOG:-/run/oss-lab/log/kept.log}
kept_pause=${LAB_KEPT_PAUSE:-1}

kept() { # NAME COMMAND...: returns when it has given up
    local name=$1 code how falls=()
    shift
    while :; do
        "$@"
        code=$?
        how="ended with $code"
        [ "$code" -gt 128 ] && how="fell ($(kill -l "$code"))"
        falls+=("$EPOCHSECONDS")
        [ "${#falls[@]}" -ge 5 ] && [ $((falls[-1] - falls[-5])) -lt 60 ] && break
        kept_say "$name $how: started again"
        sleep "$kept_pause"
    done
    kept_say "$name $how, five times within a minute: it stays down; read its log, then start the node anew"
}

kept_say() { printf '%(%F %T)T %s\n' -1 "$*" >>"$kept_log"; }

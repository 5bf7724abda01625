# shellcheck shell=bash
# Sourced: keeps a daemon running, as a router's own watchdog does. What falls is started again after a moment, and
# the log says so; what falls five times within a minute stays down, and the log says that, with what it said itself.

kept_log=${LAB_KEPT_LOG:-/run/oss-lab/log/kept.log}
kept_pause=${LAB_KEPT_PAUSE:-1}

kept() { # NAME COMMAND...: returns when it has given up; the daemon's own log is NAME.log beside ours
    local name=$1 how falls=()
    shift
    while :; do
        "$@"
        how=$(kept_how $?)
        falls+=("$EPOCHSECONDS")
        [ "${#falls[@]}" -ge 5 ] && [ $((falls[-1] - falls[-5])) -lt 60 ] && break
        kept_say "$name $how: started again"
        sleep "$kept_pause"
    done
    kept_say "$name $how, five times within a minute: it stays down; $(kept_why "${kept_log%/*}/$name.log")"
}

kept_how() { # CODE: bash has 128 and the signal for who fell, but 129 to 255 are a program's own codes, too
    local signal=
    [ "$1" -gt 128 ] && signal=$(kill -l "$1" 2>/dev/null)
    if [ -n "$signal" ]; then echo "fell ($signal)"; else echo "ended with $1"; fi
}

kept_why() { # LOG: what it complained of last
    local said
    said=$(grep -i error "$1" 2>/dev/null | tail -n 1)
    echo "${said:+its last error: \"$said\"; }mend what $1 tells of, then start the node anew"
}

kept_say() { printf '%(%F %T)T %s\n' -1 "$*" >>"$kept_log"; }

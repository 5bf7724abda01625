#!/bin/bash
# Runs a command in a private copy-on-write root. Started inside fresh mount, pid and uts namespaces (unshare --mount
# --uts --pid --fork --kill-child), so that killing that one process removes every mount and process made here.
#
# enter.sh SHAPE LAYER STAGE HOSTNAME [--bind SRC DST MODE]... -- COMMAND...
# STAGE is an empty directory to mount on; MODE is ro or rw.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/base.sh"
shape=$1 layer=$2 stage=$3 name=$4
shift 4
hostname "$name"
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$stage"
mkdir "$stage/upper" "$stage/work" "$stage/root"
lower_of "$shape" "$layer" "$stage"
mount -t overlay -o "index=off,lowerdir=$lower,upperdir=$stage/upper,workdir=$stage/work" overlay "$stage/root"
cd "$stage/root"
mount --bind /dev dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm 2>/dev/null || true
mount -t sysfs sysfs sys
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
for hidden in tmp root home; do # the machine's own files are no business of a router's
    mount -t tmpfs -o mode=755 tmpfs "$hidden"
done
chmod 1777 tmp
chmod 700 root
while [ "$1" = --bind ]; do
    target=.$3
    mkdir -p "$(dirname "$target")"
    if [ -d "$2" ]; then mkdir -p "$target"; else [ -e "$target" ] || : >"$target"; fi
    mount --bind "$2" "$target"
    [ "$4" = rw ] || mount -o remount,bind,ro "$target"
    shift 4
done
[ "$1" = -- ] && shift
pivot_root . .
umount -l .
cd /
exec setpriv --bounding-set=-sys_time,-sys_boot "$@"

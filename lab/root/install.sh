#!/bin/bash
# Installs Debian packages into a lower overlay layer. Started inside fresh mount and pid namespaces.
# The machine's package database is only read (it lies in the lower root); no service is started.
#
# install.sh LAYER PACKAGE...
set -eu
layer=$1
shift
mount --make-rprivate /
mkdir -p "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay -o "index=off,lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" overlay "$layer/root"
cd "$layer/root"
mount --bind /dev dev
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
if [ ! -s etc/resolv.conf ]; then cat /etc/resolv.conf >run/resolv.conf; ln -sf /run/resolv.conf etc/resolv.conf; fi
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
apt() { chroot . apt-get -q -y -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 -o Acquire::Retries=5 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null; }
chroot . dpkg --configure -a # an interrupted run left packages unpacked
if ! apt install --no-install-recommends "$@"; then # old lists, or a machine left half installed
    apt update
    apt --fix-broken install --no-install-recommends
    apt install --no-install-recommends "$@"
fi
apt clean

#!/bin/bash
# First process of a router's private root: frr.sh PORT USER PASSWORD. FRR's bgpd behind sshd, whose login shell is the
# routers'. No zebra: this is the machine's own network, which nothing here may touch (-Z: bgpd talks to none).
# Ends, and everything with it, when standard input closes.
set -eu
port=$1 user=$2 password=$3
state=/run/oss-lab
useradd -m -u 1500 -s /opt/oss-lab/lab/node/login-shell -p "$(openssl passwd -6 "$password")" "$user"
usermod -aG frr,frrvty "$user"
mkdir -p /run/sshd /run/frr
chown frr:frr /run/frr
printf 'frr defaults traditional\nhostname frr\nservice integrated-vtysh-config\nrouter bgp 65000\n' >/etc/frr/frr.conf
echo 'service integrated-vtysh-config' >/etc/frr/vtysh.conf
printf 'account sufficient pam_permit.so\nauth sufficient pam_permit.so\n' >/etc/pam.d/frr
chmod 775 /etc/frr
chown -R frr:frr /etc/frr
chmod 660 /etc/frr/*
# -p 0: no port for BGP peers.
/usr/lib/frr/bgpd -d -Z -p 0 -P 0 --log "file:$state/bgpd.log"
vtysh -b
cat >/run/sshd_config <<CONFIG
ListenAddress 127.0.0.1:$port
HostKey $state/host_key
PidFile none
AuthorizedKeysFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication yes
KbdInteractiveAuthentication no
MaxStartups 500:30:1000
MaxSessions 500
CONFIG
chmod 600 $state/host_key
/usr/sbin/sshd -f /run/sshd_config -E $state/sshd.log
touch $state/ready
cat >/dev/null

#!/bin/bash
# First process of a NETCONF server's private root: netconfd.sh PORT USER PASSWORD NETCONFD-ARGUMENT...
# Ends, and everything with it, when standard input closes.
set -eu
port=$1 user=$2 password=$3
shift 3
state=/run/oss-lab
# /bin/sh: bash would read start files in every session.
useradd -m -u 1500 -s /bin/sh -p "$(openssl passwd -6 "$password")" "$user"
mkdir -p /run/sshd /run/netconfd
chmod 711 /run/netconfd
path=/usr/share/yuma/modules:/opt/oss-lab/lab/node
for extra in /opt/modules/*/; do [ -d "$extra" ] && path=$path:$extra; done
# A HOME of its own: netconfd keeps its confirmed-commit backup there.
HOME=/run/netconfd /usr/sbin/netconfd --log=$state/netconfd.log --log-level=info \
    --superuser="$user" --startup=$state/startup-cfg.xml --port="$port" --modpath="$path" \
    --ncxserver-sockname=/run/netconfd/nx.sock "$@" </dev/null &
cat >/run/sshd_config <<CONFIG
ListenAddress 127.0.0.1:$port
HostKey $state/host_key
PidFile none
AuthorizedKeysFile $state/id.pub
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication yes
KbdInteractiveAuthentication no
MaxStartups 500:30:1000
MaxSessions 500
Subsystem netconf "/usr/sbin/netconf-subsystem --ncxserver-sockname=$port@/run/netconfd/nx.sock"
CONFIG
chmod 600 $state/host_key
/usr/sbin/sshd -f /run/sshd_config -E $state/sshd.log
until [ -S /run/netconfd/nx.sock ]; do
    kill -0 $! || exit 1
    sleep 0.02
done
touch $state/ready
cat >/dev/null

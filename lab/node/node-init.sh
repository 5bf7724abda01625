#!/bin/bash
# First process of a lab node, in a namespace of this machine or in a container: makes the configuration from the
# environment the topology file gives, starts what the role needs, says when it is ready, and stays.
#
# LAB_ROLE       router | host; anything else: FRR's daemons file if one was bound in, else nothing
# LAB_OWNED      1: end, and everything with it, when standard input closes
# The other variables are configure.py's.
set -u
lab=/opt/oss-lab/lab/node state=/run/oss-lab
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
mkdir -p $state/log /run/sshd /run/frr /run/netns /var/agentx # zebra watches /run/netns only if it is there
chown frr:frr /run/frr 2>/dev/null
exec >>$state/log/init.log 2>&1
# shellcheck source=lab/node/kept.sh
. $lab/kept.sh

users() { # the operator, and a super-user for whoever has to mend the node itself
    local shell=/bin/sh number=1500
    # FRR's own number: `write memory` gives the file to frr, which nobody else may
    [ "$LAB_ROLE" = router ] && shell=$lab/login-shell number=$(id -u frr)
    useradd -m -o -u "$number" -s $shell -p "$(openssl passwd -6 "${LAB_PASSWORD:-admin}")" "${LAB_USER:-admin}"
    useradd -M -o -u 0 -g 0 -d /root -s /bin/bash -p "$(openssl passwd -6 "${LAB_OPS_PASSWORD:-ops}")" ops
    usermod -p '*' root # the machine's own password of root opens nothing here
    [ "$LAB_ROLE" = router ] && usermod -aG frr,frrvty "${LAB_USER:-admin}"
}

secure_shell() {
    ssh-keygen -q -t ed25519 -N '' -C "$HOSTNAME" -f /etc/ssh/lab_host_key <<<y
    cp /etc/ssh/lab_host_key.pub $state/host_key.pub
    /usr/sbin/sshd -f /etc/ssh/lab_sshd_config -E $state/log/sshd.log
}

interfaces() { # in a container the links are attached after the start
    local name
    for name in ${LAB_INTERFACES:-}; do
        until [ -e "/sys/class/net/$name" ]; do sleep 0.1; done
        ip link set "$name" up
    done
}

kernel() {
    local setting
    for setting in net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
        net.ipv4.conf.default.rp_filter=0 net.ipv4.fib_multipath_hash_policy=1; do
        sysctl -q -w "$setting" || echo "the kernel refused $setting"
    done
    # customers are routed in the main table: none of them into the management network, nor out of it
    nft -f - <<<'table inet lab_mgmt { chain customers { type filter hook forward priority 0; iifname eth0 drop; oifname eth0 drop; }; }'
}

routing() { # DAEMON...; AgentX's master must be there before them: they retry only every 15 s
    local daemon options
    for daemon in "$@"; do
        options=(-M snmp)
        [ "$daemon" = staticd ] && options=()
        [ "$daemon" = zebra ] && options+=(-n) # a VRF is a network namespace: the kernel may have no VRF devices
        "/usr/lib/frr/$daemon" -d -A 127.0.0.1 "${options[@]}" --log "file:$state/log/$daemon.log" || exit 1
    done
    vtysh -b || refused || exit 1
}

refused() {
    echo "FRR refused its startup file /etc/frr/frr.conf, in the lines above: mend what the topology file gives it, then start the node anew"
    return 1
}

network_management() {
    MIBS='' snmpd -Lf $state/log/snmpd.log -C -c /etc/snmp/lab_snmpd.conf -p /run/snmpd.pid
    until [ -S /var/agentx/master ]; do sleep 0.02; done
    chmod 755 /var/agentx
}

netconf() {
    mkdir -p /var/lib/netconfd
    kept netconfd serve_netconf </dev/null &
    PYTHONPATH=/opt/oss-lab kept applier python3 -m lab.node.applier >>$state/log/applier.log 2>&1 </dev/null &
}

serve_netconf() { # what was confirmed it saves by itself, and reads when it starts again; what was not goes (RFC 6241 8.4)
    local modules=(--module=oss-lab-services) saved=/root/.yuma/startup-cfg.xml startup=--no-startup
    [ -e /etc/oss-lab/oss-lab-limits.yang ] && modules+=(--module=oss-lab-limits)
    [ -s "$saved" ] && startup=--startup=$saved
    # with the second of them left by one that fell it would not start (yuma123 issue 153)
    rm -f /run/ncxserver.sock /root/.yuma/startup-cfg-txid.txt
    # a HOME of its own: netconfd keeps its confirmed-commit backup there
    HOME=/var/lib/netconfd netconfd --ncxserver-sockname=/run/ncxserver.sock "$startup" --target=candidate \
        --superuser="${LAB_USER:-admin}" --modpath=/usr/share/yuma/modules:$lab:/etc/oss-lab "${modules[@]}" \
        --log-append --log=$state/log/netconfd.log --log-level=info
}

router() {
    kernel
    network_management
    interfaces
    routing zebra ospfd bgpd staticd
    lldpd -x -X /var/agentx/master
    secure_shell
    netconf
}

host() {
    interfaces
    secure_shell
    touch $state/ready
}

bare() { # another image's node: its own FRR configuration, if it brought one (the package's is no sign)
    local daemons=()
    if mountpoint -q /etc/frr || mountpoint -q /etc/frr/frr.conf; then
        kernel
        mapfile -t daemons < <(sed -n 's/^\([a-z0-9]*d\)=yes.*/\1/p' /etc/frr/daemons)
        bare_routing zebra staticd "${daemons[@]}"
    fi
    touch $state/ready
}

bare_routing() {
    local daemon
    for daemon in $(printf '%s\n' "$@" | awk '!seen[$0]++'); do
        "/usr/lib/frr/$daemon" -d -A 127.0.0.1
    done
    vtysh -b || refused # it goes on without these lines: its file may be another release's
}

LAB_ROLE=${LAB_ROLE:-bare}
export LAB_ROLE
case $LAB_ROLE in
router | host)
    users
    PYTHONPATH=/opt/oss-lab python3 -m lab.node.configure || exit 1
    "$LAB_ROLE"
    ;;
*) bare ;;
esac
echo "started as $LAB_ROLE"
if [ "${LAB_OWNED:-}" = 1 ]; then
    cat >/dev/null
else
    while :; do
        wait # children that lost their parent
        sleep 3600 &
    done
fi

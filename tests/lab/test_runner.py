"""Labs come up and go away whole, whatever stops them in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab.containerlab
from lab import doctor, netns, processes, runner, state
from lab.errors import LabBusy, LabError
from lab.runner import Lab

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab_ground")]

CHECKOUT = Path(__file__).parents[2]
# A lab as people have it: another image's nodes, their own FRR files, a bridge, exec.
SMALL = """
name: small-test
topology:
  kinds: {linux: {image: any/frr}}
  nodes:
    r1:
      kind: linux
      binds: ["daemons:/etc/frr/daemons", "r1.conf:/etc/frr/frr.conf"]
    pc1:
      kind: linux
      mgmt-ipv4: 172.20.20.77
      env: {COLOUR: green}
      exec: ["ip address add 10.1.0.2/24 dev eth1", "ip route add 10.9.0.0/16 via 10.1.0.1"]
    sw: {kind: bridge}
  links:
    - endpoints: ["r1:eth1", "sw:p1"]
    - endpoints: ["pc1:eth1", "sw:p2"]
"""
FRR = "hostname r1\nservice integrated-vtysh-config\ninterface eth1\n ip address 10.1.0.1/24\n!\nip route 10.9.9.0/24 blackhole\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "daemons").write_text("bgpd=no\nospfd=yes\n")
    (tmp_path / "r1.conf").write_text(FRR)
    file = tmp_path / "small.clab.yml"
    file.write_text(SMALL)
    return file


def cli(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *words],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def traces(name: str) -> list[str]:
    """All that a lab of this name has left on the machine."""
    left = [
        f"process {pid}" for pid in processes.marked(f"{state.MARK}={name}") if processes.alive(pid)
    ]
    if netns.NAMES.is_dir():
        left += [
            f"namespace {p.name}"
            for p in netns.NAMES.iterdir()
            if p.name.startswith(f"clab-{name}-")
        ]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    left += [line for line in mounts if f"/{name}/" in line or f"clab-{name}-" in line]
    left += [
        str(path) for path in (state.folder(name), state.HOME / f"{name}.lock") if path.exists()
    ]
    left += [str(path) for path in lab.containerlab.TELCO5.parent.glob(f"clab-{name}*")]
    return left


def test_a_lab_of_another_images_nodes_comes_up_and_goes(small: Path) -> None:
    with runner.running(small) as network:
        assert "via 10.1.0.1" in network.run("pc1", "ip", "route")
        assert network.run("pc1", "printenv", "COLOUR").strip() == "green"
        assert network.execute("pc1", "ping", "-c3", "-W3", "10.1.0.1").returncode == 0
        assert "blackhole" in network.run("r1", "vtysh", "-c", "show ip route 10.9.9.0/24")
        assert (small.parent / "clab-small-test" / "topology-data.json").exists()
    assert traces("small-test") == []
    assert not (small.parent / "clab-small-test").exists()


def test_nodes_do_not_see_nor_change_the_machine(small: Path) -> None:
    with runner.running(small) as network:
        network.run("pc1", "sh", "-c", "touch /etc/of-pc1 /usr/bin/of-pc1 /tmp/of-pc1")
        assert not any(Path(f"{place}/of-pc1").exists() for place in ("/etc", "/usr/bin", "/tmp"))  # noqa: S108  (a path that must not exist)
        assert network.run("pc1", "ls", "-A", "/root").strip() == ""
        assert network.execute("r1", "test", "-e", "/etc/of-pc1").returncode != 0
        assert network.run("pc1", "sh", "-c", "ls /proc | grep -c '^[0-9]'").strip() < "9"


def test_the_command_line(small: Path, tmp_path: Path) -> None:
    base = tmp_path / "elsewhere"
    try:
        up = cli("up", str(small), CLAB_LABDIR_BASE=str(base))
        assert up.returncode == 0, up.stderr
        assert "172.20.20.77" in up.stdout
        assert (base / "clab-small-test" / "known_hosts").exists()
        again = cli("up", str(small))
        assert again.returncode == 1
        assert "is up already" in again.stderr
        assert "small-test       up" in cli("list").stdout
        inside = cli("exec", str(small), "pc1", "hostname")
        assert (inside.stdout.strip(), inside.returncode) == ("pc1", 0)
        assert cli("exec", "small-test", "pc1", "false").returncode == 1
        assert "does not run" in cli("exec", "small-test", "nobody", "true").stderr
    finally:
        down = cli("down", str(small))
    assert "is gone" in down.stdout
    assert traces("small-test") == []
    assert not (base / "clab-small-test").exists()
    assert "nothing of small-test" in cli("down", "small-test").stdout


def test_a_killed_node_is_dark_until_it_is_revived(small: Path) -> None:
    with runner.running(small) as network:
        network.kill("r1")
        assert network.execute("pc1", "ping", "-c1", "-W1", "10.1.0.1").returncode != 0
        network.revive("r1")
        assert network.execute("pc1", "ping", "-c3", "-W3", "10.1.0.1").returncode == 0
    assert traces("small-test") == []


def test_a_lab_that_cannot_come_up_leaves_nothing(small: Path) -> None:
    small.write_text(SMALL.replace("ip address add 10.1.0.2/24", "ip address add nonsense"))
    done = cli("up", str(small))
    assert done.returncode == 1
    assert "pc1: exec ip address add nonsense" in done.stderr
    assert traces("small-test") == []


ROUTER = """
name: refused-test
topology:
  nodes:
    r1:
      kind: linux
      image: any/frr
      mgmt-ipv4: 172.20.20.78
      credentials: {username: admin, password: admin}
      binds: ["saved.xml:/root/.yuma/startup-cfg.xml"]
      env: {LAB_ROLE: router, LAB_LOOPBACK: 10.255.0.1, LAB_BGP_PEERS: ""}
"""


@pytest.mark.parametrize(
    ("loopback", "saved", "told"),
    [
        ("10.255.0.300", "", "FRR refused its startup file /etc/frr/frr.conf"),
        ("10.255.0.1", "<config><cut off", "netconfd ended with 221, five times within a minute"),
    ],
)
def test_a_router_whose_startup_file_is_broken_says_so(
    tmp_path: Path, loopback: str, saved: str, told: str
) -> None:
    (tmp_path / "saved.xml").write_text(saved)
    file = tmp_path / "refused.clab.yml"
    file.write_text(ROUTER.replace("10.255.0.1,", f"{loopback},"))
    with pytest.raises(LabError, match="start the node anew") as no, runner.running(file):
        pass
    assert told in str(no.value)
    assert traces("refused-test") == []


def test_two_do_not_have_the_same_lab(small: Path) -> None:
    with runner.running(small), pytest.raises(LabBusy), runner.running(small, wait=0.5):
        pass
    assert traces("small-test") == []


@pytest.fixture
def killed() -> Iterator[str]:
    name = "killed-test"
    yield name
    cli("down", name)
    assert traces(name) == []


@pytest.mark.parametrize("after", [0.1, 0.3, 0.6, 1.0, 1.6])
def test_a_runner_killed_on_the_way_up_is_cleared_away(killed: str, after: float) -> None:
    file = str(lab.containerlab.TELCO5)
    going = subprocess.Popen(
        [sys.executable, "-m", "lab", "up", file, "--name", killed],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while state.read(killed) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(after)
    going.send_signal(signal.SIGKILL)
    going.wait()
    assert traces(killed) != []
    done = cli("down", killed)
    assert done.returncode == 0, done.stderr
    assert traces(killed) == []


def test_the_next_run_clears_what_a_killed_one_left(small: Path, killed: str) -> None:
    text = f"""
import sys, time
from pathlib import Path
from lab import runner
with runner.running(Path({str(small)!r}), name={killed!r}):
    print("up", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", text], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        owner.kill()
    nodes_gone = time.monotonic() + 300
    while processes.marked(f"{state.MARK}={killed}") and time.monotonic() < nodes_gone:
        time.sleep(0.05)
    left = traces(killed)
    assert not [trace for trace in left if trace.startswith("process")], (
        "a killed owner takes its nodes"
    )
    said: list[str] = []
    with runner.running(small, name=killed, say=said.append) as network:
        assert isinstance(network, Lab)
    assert any("earlier run" in words for words in said)
    assert traces(killed) == []


def test_the_doctor_tells_what_works_here() -> None:
    said: list[str] = []
    assert doctor.report(said.append) == 0
    assert any(words.startswith("yes") and "veth" in words for words in said)
    assert said[-1] == "a lab can run here"

"""HAProxy's runtime socket in memory. It passes the same contract tests as the real one, in the same run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jitgress.gate.errors import HaproxyUnreachableError
from jitgress.gate.layout import SHARDS, MapName, backend_name, map_file

_NO_MAP = "Unknown map identifier. Please use #<id> or <file>."
_COLUMNS = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)
_BACKENDS = frozenset(backend_name(shard) for shard in SHARDS)


@dataclass(slots=True)
class SimulatedServer:
    address: str
    is_open: bool = False
    is_connected: bool = False


@dataclass(slots=True)
class HaproxySimulator:
    """A `Runtime`. A test can restart it, have it break off, and leave connections on servers."""

    folder: Path
    maps: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    servers: dict[str, SimulatedServer] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    """Servers whose streams were cut."""
    breaks_off_after: int | None = None
    """The connection breaks after that many lines; they are carried out."""
    watch: Callable[[], None] | None = None
    """Called after every line."""

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin as the process begins: with empty maps and without servers."""
        self.maps = {str(map_file(self.folder, name)): [] for name in MapName}
        self.servers = {}

    async def ask(self, lines: Sequence[str]) -> list[str]:
        answers: list[str] = []
        for line in lines:
            if self.breaks_off_after is not None:
                if self.breaks_off_after <= 0:
                    self.breaks_off_after = None
                    raise HaproxyUnreachableError("the socket broke off")
                self.breaks_off_after -= 1
            self.lines.append(line)
            answers.append(self._answer(line))
            if self.watch is not None:
                self.watch()
        return answers

    def entries(self, name: MapName) -> dict[str, str]:
        return dict(self.maps[str(map_file(self.folder, name))])

    def _answer(self, line: str) -> str:
        match line.replace("\\;", ";").replace("\\\\", "\\").split(" "):
            case ["show", "map", file]:
                return self._show_map(file)
            case [("add" | "set" | "del") as verb, "map", file, key, *value]:
                return self._change_map(verb, file, key, value)
            case ["show", "servers", "state"]:
                return self._show_servers()
            case ["add", "server", server, address, "weight", "0"]:
                return self._add_server(server, address)
            case ["set", "server", server, "state", ("ready" | "maint") as state]:
                return self._set_server(server, is_open=state == "ready")
            case ["shutdown", "sessions", "server", server]:
                return self._cut(server)
            case ["del", "server", server]:
                return self._drop_server(server)
            case _:
                raise AssertionError(f"the simulator does not know: {line}")

    def _show_map(self, file: str) -> str:
        if file not in self.maps:
            return _NO_MAP
        return "\n".join(f"0x{number:x} {key} {value}" for number, (key, value) in enumerate(self.maps[file]))

    def _change_map(self, verb: str, file: str, key: str, value: list[str]) -> str:
        if file not in self.maps:
            return _NO_MAP
        entries = self.maps[file]
        is_there = any(each == key for each, _ in entries)
        match verb:
            case "add":
                entries.append((key, value[0]))
            case "set" if is_there:
                self.maps[file] = [(each, value[0] if each == key else old) for each, old in entries]
            case "del" if is_there:
                self.maps[file] = [(each, old) for each, old in entries if each != key]
            case "set":
                return "entry not found."
            case _:
                return "Key not found."
        return ""

    def _show_servers(self) -> str:
        lines = ["1", _COLUMNS]
        for number, (path, server) in enumerate(self.servers.items()):
            backend, name = path.split("/")
            ip, _, port = server.address.rpartition(":")
            state = "2 0" if server.is_open else "0 1"
            lines.append(
                f"5 {backend} {number} {name} {ip.strip('[]')} {state} 0 0 3 1 0 0 0 0 0 0 - {port} - 0 0 - - 0"
            )
        return "\n".join(lines)

    def _add_server(self, server: str, address: str) -> str:
        if server.split("/", maxsplit=1)[0] not in _BACKENDS:
            return "No such backend."
        if server in self.servers:
            return "Already exists a server with the same name in backend."
        self.servers[server] = SimulatedServer(address)
        return "New server registered."

    def _set_server(self, server: str, *, is_open: bool) -> str:
        if server not in self.servers:
            return "No such server."
        self.servers[server].is_open = is_open
        return ""

    def _cut(self, server: str) -> str:
        if server not in self.servers:
            return "No such server."
        self.cut.append(server)
        self.servers[server].is_connected = False
        return ""

    def _drop_server(self, server: str) -> str:
        if server not in self.servers:
            return "No such server."
        if self.servers[server].is_open:
            return "Only servers in maintenance mode can be deleted."
        if self.servers[server].is_connected:
            return "Server still has connections attached to it, cannot remove it."
        del self.servers[server]
        return "Server deleted."

"""Decides how an error says where: error-path as RFC 6241 4.3 wants it, from the root, prefixed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from oss_agent.testing.simulated.content import Member
from oss_agent.testing.simulated.rpc_error import RpcError
from oss_agent.testing.simulated.schema import List, Node, Schema


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the configuration."""

    schema: Schema
    path: str = ""

    def below(self, member: Member, node: Node) -> Place:
        """The place of a child; list keys are left out where they are not known yet."""
        prefix = self.schema.prefix
        keys = zip(node.keys, member[1], strict=bool(member[1])) if isinstance(node, List) else ()
        tests = "".join(f"[{prefix}:{key}='{value}']" for key, value in keys)
        return replace(self, path=f"{self.path}/{prefix}:{member[0]}{tests}")

    def error(self, tag: str, message: str, *info: tuple[str, str], app_tag: str = "") -> RpcError:
        """An rpc-error about this place."""
        prefixes = [(self.schema.prefix, self.schema.namespace)]
        return RpcError(tag, message, path=self.path, info=info, app_tag=app_tag, prefixes=prefixes)

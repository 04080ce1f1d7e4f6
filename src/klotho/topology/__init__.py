"""Pictures of an application: what is in them, where it stands, and how it is drawn."""

from klotho.topology.dataflow import dataflow
from klotho.topology.model import Edge, EdgeKey, Group, Node, Topology, TopologyFormatError
from klotho.topology.model import topology_from_json, topology_to_json

__all__ = ["Edge", "EdgeKey", "Group", "Node", "Topology", "TopologyFormatError", "dataflow", "topology_from_json", "topology_to_json"]

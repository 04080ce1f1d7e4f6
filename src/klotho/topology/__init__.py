"""Pictures of an application: what is in them, where it stands, and how it is drawn.

A picture is made in three steps: a view (`dataflow`, `resource_view`) takes a `Topology` from a compiled program;
`arranging` gives everything in it a place; `drawing`, `mermaid` and `png` write it down. No network, no process.
"""

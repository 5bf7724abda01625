"""What runs inside a node: in a namespace of this machine, or in a container; standard library only."""

"""Internal application load balancers: listener rules to containers and functions, for members of the network only."""

from klotho.localcloud.planes.balancers.plane import Balancers

__all__ = ["Balancers"]

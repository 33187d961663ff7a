"""The load generator: raw HTTP/1.1 from a process of its own, closed loop by connections or open loop by rate."""

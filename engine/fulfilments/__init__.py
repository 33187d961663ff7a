"""The work of nodes: handed out, taken back, moved on."""

"""The work of nodes: handed out, taken back, moved on.

collecting        until when customers may come for what they pick up
packing           a node's work divided, joined, and put into parcels
pick_lists        pick lists: several orders of a node in one walk
pickup_transfers  what a pickup node lacks is brought there from other nodes, promised with a date
planning          sources of an order's lines, cut into the work of nodes
rejecting         work that comes back from a node, all of it or what could not be found
sourcing_again    sourcing units of an order again: what a node gave back, what waits, what was added
steps             what nodes report of their work, step by step, and what suppliers confirm
work              work of nodes handed out, taken back, moved on, and what order lines count of it
"""

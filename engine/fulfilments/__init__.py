"""The work of nodes: handed out, taken back, moved on.

beside_work       more units for who waits: under the rules, together with what he has already
collecting        until when customers may come for what they pick up
moving            work moved to a node that somebody names, in one step or not at all
packing           a node's work divided, joined, and put into parcels
passing_on        a promise of inbound units that is not needed any more goes to the next who waits
pick_lists        pick lists: several orders of a node in one walk
pickup_transfers  what a pickup node lacks is brought there from other nodes, promised with a date
planning          sources of an order's lines, cut into the work of nodes
rejecting         work that comes back from a node, all of it or what could not be found
sourcing_again    sourcing units of an order again: what a node gave back, what waits, what was added
steps             what nodes report of their work, step by step, and what suppliers confirm
waiting           what lines of orders wait for, and once they have got some of it
work              work of nodes handed out, taken back, moved on, and what order lines count of it
"""

"""What people would use instead, doing the same durable reservation on the same machine in the same run.

The same everywhere: an order for a few units of two of 5,000 SKUs (one for a flash sale), all or nothing, from the first of 20
nodes, in the order of their distance, that has everything; rows of a journal, and a row for the idempotency key; durable before
it is answered. Peers are handed the nodes in their order; Kontor works that out. What else differs is said in `differs`.
"""

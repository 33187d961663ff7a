"""What orders cost, and the books about it.

booking      bookkeeping: what the facts of a record mean for the money ledger
bookkeeping  what bookkeepers do themselves: say that a refund was paid out, write off what will not come
charging     what a change of an order adds to what it costs, and which units it takes off
claw_back    claw back: what promotions took off the units that stay
freezing     freezing what an order costs when it is placed
payments     payments of orders: authorised, captured, voided, and what goes back over them
sales        what is sold: units at their frozen shares, and the entries of the books for them
settling     money follows goods: what a record does to the units of priced orders decides, in the same record
"""

"""What is kept. Tables know nothing of rules; state.py composes them.

api_keys          API keys, as they are kept
capacity          how many orders each node may send a day, and how many of those places are taken
closed            closed orders and ended reservations: out of memory, still answered
configuration     master data, as it is kept: everything people set, by id
finding           orders and reservations, wherever they are: in memory, or closed
idempotency       idempotency keys: which record answered which key
inbound           what suppliers will bring, and who was promised units of it
kept              things with a number that counts up: those under way, and the last that ended
looks             who waits and is to be looked at, since units may be free for them
money_books       the money ledger: balances of money accounts by currency, and the numbers of documents
order_money       the money of one order: what its units cost, frozen
orders            open orders: their lines, their fulfilments, their returns
parts             how tables are dumped: as parts of bounded size
payment_requests  what payment providers were asked for, as it is kept until they answer
pick_lists        pick lists, as they are kept: those under way, and the last that ended
promotion_usage   how often promotions were used and what they have cost, for their limits
reopening         closed orders that something happens to: back into memory, as they were closed
reservations      reservations, as they are kept: the active ones, in the order in which they end
state             all tables, composed
statements        what marketplaces said of orders that have not come: cancellations that were quicker
stock             on hand and available-to-promise: arithmetic on the ledger
transfers         goods between nodes, as they are kept: those under way, and the last that ended
worklists         what each node has to do, state by state, in the order in which it should leave
"""

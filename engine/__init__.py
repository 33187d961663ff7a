"""Ring 1: the room of pure decisions. Everything here is identical on replay. Lowest first; imports point down.

limits         every limit, in one file, with the relations between them asserted
sparse         large arrays of which most stays zero: memory is taken page by page, where something is written
numbers        numbers that Kontor gives, by kind, with the prefix they are written with
amounts        exact arithmetic on whole minor units, one rounding rule: half up
results        the closed, append-only list of ordinary "no"
areas          the coarse area of an address: all of it that a fact may carry
lifecycles     what may happen next: one table of steps for every kind of thing
copying        a thing made of another: fields of the same name are copied
commands       the language of intent: what somebody asks for, in the imperative
facts          the language of fact: what happened, in the past tense; this is journalled
ledger         accounts and balances; the only place where a quantity changes
solver         how the cheapest plan is found and proven: numbers only
calendars      when a node works, and when parcels leave and arrive
wal            the journal: bytes only
sourcing       which way is taken to the cheapest plan
state          what is kept: tables that know nothing of rules
supply         from a wish to a plan
pricing        prices, promotions and taxes: what a basket costs, and why
configuration  what people set
reservations   the rules of claims with an end
fulfilments    the work of nodes
money          what orders cost, and the books about it
orders         the life of an order
stock          goods that come, go and are counted, and who waits for them
machine        which room decides a command, which one writes down a fact
replay         the journal folded again: recovery, followers, dumps, proofs, what would have been
writer         drain, stamp, decide, evolve, commit, answer
"""

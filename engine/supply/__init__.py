"""From a wish to a plan: the request, what is there, what it costs under the rules, and which nodes it comes from.

explaining     why a plan looks as it does: the cost of every node that could send, the rule against every other
holidays       on which days people rest: the calendars of nodes, carriers and countries
looking_ahead  many orders of a batch sourced in one pass, before they are decided one by one
may_wait       what may wait for stock: which units are backordered, how many, and whether they can ever come
node_table     all nodes as columns: what selectors, distances and prices are computed from
packing        how many parcels an order needs, told to the solver as weights
plan           the plan for a demand: the bridge from stock and rules to sourcing
policies       which settings of a policy hold for a request
prices         what sending from every node costs under some settings: named columns of prices
problem        from stock and terms to numbers: what each node may promise of each SKU
request        what a request asks of stock: the units that could serve it, line by line and SKU by SKU
short_cuts     where supply may take a short cut: for every setting, whether the answer stays the same
terms          what sending to one area costs one channel under the settings that hold
"""

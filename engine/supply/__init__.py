"""From a wish to a plan: the request, what is there, what it costs under the rules, and which nodes it comes from.

explaining     why a plan looks as it does: the cost parts of every node that could send
looking_ahead  a batch looked at ahead: many orders sourced in one pass, before they are decided one by one
node_table     all nodes as columns, by their position in the ledger: what selectors, distances
plan           the plan for a demand: the bridge from stock and rules to sourcing
policies       which settings of a policy hold for a request
prices         what sending from every node costs under some settings: named columns of prices
problem        from stock and terms to numbers: what each node may promise of each SKU
request        what a request asks of stock: the units that could serve it, line by line and SKU by SKU
terms          what sending to one area costs one channel under the settings that hold
"""

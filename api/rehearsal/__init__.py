"""The rehearsal: a year of real orders through the engine, every row of the file accounted for.

commands        a step as a command of the engine, and what the facts say of it
connection      an HTTP/1.1 client connection on asyncio, with what a load generator needs
dataset         the Online Retail file (Daqing Chen, UCI, 2015, DOI 10.24432/C5BW33, CC BY 4.0): its rows
in_process      the replay in process: the writer on its own journal, under a clock that follows the file
money           the money of a replay: what the books of the node must say, to the penny, and how that
omnichannel     the second scenario: the same real orders, and a trade that does what trades do
over_http       the same plan against a running node, several requests at a time
plan            the plan: what a replay does, in which order and when
progress        how far a replay has come: ids the node gave, what has to be asked next
receipts        goods receipts, which the file does not have: derived from what the orders will need
reconciliation  the reconciliation: what became of every row, in rows, units and value
report          how a replay shows itself: a progress bar, or plain lines where there is no terminal
returns         which earlier order a return belongs to
run             one replay from file to report, in process or over HTTP
shop            the shop that the orders are replayed into: master data
steps           what a replay does, step by step, before any of it is done
"""

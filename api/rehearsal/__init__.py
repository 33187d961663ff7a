"""The rehearsal: a year of real orders through the engine, every row of the file accounted for.

commands        a step as a command of the engine, and what the facts say of it
connection      an HTTP/1.1 client connection on asyncio, with what a load generator needs
dataset         the Online Retail file (Daqing Chen, UCI, 2015, DOI 10.24432/C5BW33, CC BY 4.0) and its rows
in_process      the writer on its own journal, under a clock that follows the file
money           what the money books must say in the end, to the penny
omnichannel     the second scenario: the same orders with pickups, rejects, short picks, transfers and changes
over_http       the same plan against a running server, several requests at a time
plan            what a rehearsal does, in which order and when
progress        how far a rehearsal has come: ids that were given, what has to be asked next
receipts        goods receipts, which the file does not have: derived from what the orders will need
reconciliation  what became of every row, in rows, units and value
report          how a rehearsal shows itself: a progress bar, or plain lines where there is no terminal
returns         which earlier order a return belongs to
run             one rehearsal from file to report, in process or over HTTP
shop            the shop that the orders are replayed into: master data
steps           the steps of a plan, before any of them is done
"""
